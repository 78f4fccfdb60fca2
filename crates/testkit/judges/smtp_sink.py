"""A mail server on 127.0.0.1: aiosmtpd receives, Python's own email package reads.

The one argument is JSON: {"certificate", "key", "security", "login", "replies"}. Prints its port,
then one JSON object for every mail that was offered. Ends when standard input ends.
"""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

OK = "250 2.0.0 taken"


def show(value):
    print(json.dumps(value), flush=True)


def read(source):
    message = email.message_from_bytes(source, policy=email.policy.default)

    def content(kind):
        part = message.get_body((kind,))
        return part and part.get_content().replace("\r\n", "\n")

    parts = list(message.walk())
    defects = [defect for part in parts for defect in part.defects]
    defects += [defect for part in parts for value in part.values() for defect in value.defects]
    return {
        "headers": [[name, str(value)] for name, value in message.items()],
        "parts": [part.get_content_type() for part in parts],
        "text": content("plain"),
        "html": content("html"),
        "attachments": [
            {
                "name": part.get_filename(),
                "media_type": part.get_content_type(),
                "content": list(part.get_payload(decode=True)),
            }
            for part in message.iter_attachments()
        ],
        "defects": [repr(defect) for defect in defects],
        "source": list(source),
    }


class Handler:
    def __init__(self, replies):
        self.replies = replies

    def reply(self, stage):
        """What was told for the next mail that comes to this stage."""
        if self.replies and self.replies[0][0] == stage:
            return self.replies.pop(0)[1]
        return OK

    def record(self, server, session, envelope, answered, read):
        show(
            {
                "answered": answered,
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "encrypted": server.transport.get_extra_info("ssl_object") is not None,
                "logged_in": bool(session.authenticated),
                "read": read,
            }
        )

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        reply = self.reply("recipient")
        if reply != OK:
            self.record(server, session, envelope, reply, None)
        return reply

    async def handle_DATA(self, server, session, envelope):
        reply = self.reply("content")
        self.record(server, session, envelope, reply, read(envelope.content))
        if reply == "drop":
            server.transport.abort()
        return reply


async def main():
    setup = json.loads(sys.argv[1])
    context = None
    if setup["security"] != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(setup["certificate"], setup["key"])
    starttls = setup["security"] == "starttls"
    login = setup["login"]

    def authenticate(server, session, envelope, mechanism, data):
        given = [data.login.decode(), data.password.decode()]
        return AuthResult(success=given == login, handled=False)

    handler = Handler(setup["replies"])

    def connection():
        return SMTP(
            handler,
            hostname="sink.test",
            enable_SMTPUTF8=True,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=authenticate,
            auth_required=login is not None,
            # Whether to send a password in the open is the client's decision here.
            auth_require_tls=False,
        )

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        connection, "127.0.0.1", 0, ssl=None if starttls else context
    )
    show(listening.sockets[0].getsockname()[1])

    over = asyncio.Event()

    def watch():
        sys.stdin.read()
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=watch, daemon=True).start()
    await over.wait()


# It has opinions on servers that take passwords in the open, as some of these must.
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
asyncio.run(main())
