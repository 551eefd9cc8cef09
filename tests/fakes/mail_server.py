"""MailServer: a real SMTP server (aiosmtpd) on this computer, in a thread of its own."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from companion.domain.notice_choices import MailSecurity, MailServer

USER, PASSWORD = "notices@clinic.example", "tram violet anchor é"


@dataclass
class RunningMailServer:
    port: int
    security: MailSecurity
    taken: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    """Of each message taken, whom the envelope names."""
    says: dict[str, str] = field(default_factory=dict)
    """Instead of its usual answers, by ``AUTH``, ``MAIL``, ``RCPT`` or ``DATA``; ``hang up`` ends
    the connection after it has taken the message."""
    signed_in: int = 0
    on_taken: Callable[[], None] = lambda: None
    """Called once it has a message, and before it says so."""

    def settings(self, **changed: Any) -> MailServer:
        usual: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": self.security,
            "login": USER,
            "sender": USER,
        }
        return MailServer(**{**usual, **changed})

    # As aiosmtpd calls it; it takes nothing before TLS, and nothing without a sign-in.

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any
    ) -> AuthResult:
        if refusal := self.says.get("AUTH"):
            return AuthResult(success=False, handled=False, message=refusal)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.signed_in += good
        return AuthResult(success=good, handled=False)

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if refusal := self.says.get("MAIL"):
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the same
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if refusal := self.says.get(f"RCPT {address}") or self.says.get("RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the same
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        answer = self.says.get("DATA", "250 OK")
        if answer.startswith("250") or answer == "hang up":
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.to += envelope.rcpt_tos
            self.on_taken()
        if answer == "hang up":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return answer


@contextmanager
def mail_server(
    certificate: tuple[Path, Path], security: MailSecurity, *, encrypts: bool = True
) -> Iterator[RunningMailServer]:
    """`encrypts`: whether it offers STARTTLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    loop = asyncio.new_event_loop()
    starttls = security is MailSecurity.STARTTLS
    found = RunningMailServer(port=0, security=security)

    def one() -> SMTP:
        return SMTP(
            found,
            hostname="mail.clinic.example",
            loop=loop,
            tls_context=context if starttls and encrypts else None,
            require_starttls=starttls and encrypts,
            auth_require_tls=starttls and encrypts,
            authenticator=found.authenticate,
        )

    server = loop.run_until_complete(
        loop.create_server(one, "127.0.0.1", 0, ssl=None if starttls else context)
    )
    found.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
