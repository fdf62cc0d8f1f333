#!/usr/bin/env python3
"""A mail server on loopback: smtpd.py starttls|implicit|clear CERTIFICATE KEY USER PASSWORD

Prints a JSON document a line: first the port, then each attempt to log in and each mail, as Python's own library reads
it, with whether the connection was encrypted. `clear` offers no STARTTLS and takes a password all the same. Ends with
its standard input.
"""

import asyncio
import email
import email.policy
import json
import os
import pathlib
import ssl
import sys

from validate import folder


def tell(**event) -> None:
    print(json.dumps(event), flush=True)


def encrypted(server) -> bool:
    return server.transport.get_extra_info("ssl_object") is not None


class Handler:
    async def handle_DATA(self, server, session, envelope) -> str:
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell(
            event="mail",
            encrypted=encrypted(server),
            authenticated=bool(session.authenticated),
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers={name.lower(): str(value) for name, value in mail.items()},
            type=mail.get_content_type(),
            parts={part.get_content_type(): part.get_content() for part in mail.iter_parts()},
            # Lines may have 998 bytes and their end.
            longest=max(len(line) for line in envelope.content.split(b"\r\n")),
        )
        return "250 taken"


async def serve(mode: str, certificate: str, key: str, user: str, password: str) -> None:
    from aiosmtpd.smtp import SMTP, AuthResult

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def authenticate(server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        tell(event="login", encrypted=encrypted(server), user=given[0], password=given[1])
        return AuthResult(success=given == (user, password), handled=False)

    def protocol():
        return SMTP(
            Handler(),
            hostname="mail.example.com",
            enable_SMTPUTF8=True,
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            auth_require_tls=mode == "starttls",
            authenticator=authenticate,
        )

    tls = context if mode == "implicit" else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    tell(port=server.sockets[0].getsockname()[1])
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    if pathlib.Path(sys.prefix) != folder() / "venv":
        python = str(folder() / "venv" / "bin" / "python")
        os.execv(python, [python, __file__, *sys.argv[1:]])
    asyncio.run(serve(*sys.argv[1:]))
