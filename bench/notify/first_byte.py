#!/usr/bin/env python3
"""Milliseconds from a process's start to the first byte it sends: first_byte.py RUNS URL_VARIABLE COMMAND...

The command gets the address of a loopback server in the environment variable of that name; the median is printed."""

import os
import socket
import statistics
import subprocess
import sys
import time


def once(variable: str, command: list[str]) -> float:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/services/T0/B0/x"
        started = time.monotonic()
        process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], variable: url}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            elapsed = time.monotonic() - started
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        process.wait(20)
    return elapsed * 1000


def main() -> None:
    runs, variable, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    once(variable, command)
    print(f"{statistics.median(once(variable, command) for _ in range(runs)):.1f}")


if __name__ == "__main__":
    main()
