#!/usr/bin/env python3
"""Takes messages on a free loopback port, whose number it writes to the file it is given: sink.py PORT_FILE

A request below /slow/ is answered after 500 ms, any other after 50 ms, with what the services answer when they are
content. Ends when its standard input does."""

import http.server
import pathlib
import sys
import threading
import time

ANSWER = b'{"ok": true, "id": "1", "channel": "C1", "ts": "1.1"}'


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        time.sleep(0.5 if self.path.startswith("/slow/") else 0.05)
        body = b"ok" if "/services/" in self.path else ANSWER
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = answer
    do_PUT = answer

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    pathlib.Path(sys.argv[1]).write_text(str(server.server_address[1]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
