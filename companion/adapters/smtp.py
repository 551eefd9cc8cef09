"""SmtpPost: e-mail handed over to the practice's own mail server, never without TLS.

The server's certificate and name are checked against what this computer trusts
(`network.route.trust_context`). Nothing is sent, not even the login, before that.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime

from companion.adapters.network.errors import is_untrusted
from companion.adapters.network.route import trust_context
from companion.domain.errors import CompanionError, NoticeNotSent
from companion.domain.notice_choices import MailSecurity, MailServer
from companion.services.notices.ways import Mail

SECONDS = 30.0
"""For connecting, and for each answer."""
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_BASIC_IS_OFF = ("5.7.30", "5.7.139")
"""Microsoft 365 where an organisation does not allow SMTP AUTH."""


class SmtpPost:
    """A MailPost."""

    def __init__(
        self, *, seconds: float = SECONDS, trust: Callable[[], ssl.SSLContext] = trust_context
    ) -> None:
        self._seconds = seconds
        self._trust = trust

    def send(self, server: MailServer, password: str, mail: Mail) -> None:
        with _in_words(server):
            connection = self._connected(server)
            try:
                if server.login:
                    _log_in(connection, server.login, password)
                _hand_over(connection, server, mail)
            finally:
                connection.close()

    def _connected(self, server: MailServer) -> smtplib.SMTP:
        """Encrypted and checked."""
        me, context = _own_name(), self._trust()
        if server.security is MailSecurity.TLS:
            return smtplib.SMTP_SSL(
                server.host, server.port, me, timeout=self._seconds, context=context
            )
        connection = smtplib.SMTP(server.host, server.port, me, timeout=self._seconds)
        try:
            connection.starttls(context=context)
            connection.ehlo()
        except BaseException:
            connection.close()
            raise
        return connection


def _own_name() -> str:
    name = socket.gethostname()
    return name if _HOST_NAME.fullmatch(name) else "localhost"


def _log_in(connection: smtplib.SMTP, login: str, password: str) -> None:
    connection.ehlo_or_helo_if_needed()
    ways = connection.esmtp_features.get("auth", "").upper().split()
    if not (login + password).isascii() and "PLAIN" in ways:  # smtplib writes ASCII only
        pair = base64.b64encode(f"\0{login}\0{password}".encode()).decode("ascii")
        code, said = connection.docmd("AUTH", f"PLAIN {pair}")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, said)
        return
    connection.login(login, password)


def _hand_over(connection: smtplib.SMTP, server: MailServer, mail: Mail) -> None:
    sender = server.sender or server.login
    code, said = connection.mail(sender)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, said, sender)
    code, said = connection.rcpt(mail.to)
    if code not in {250, 251}:
        raise smtplib.SMTPRecipientsRefused({mail.to: (code, said)})
    code, said = connection.docmd("DATA")
    if code != 354:
        raise smtplib.SMTPDataError(code, said)
    try:
        connection.send(_dotted(_written(sender, mail)))
        code, said = connection.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise NoticeNotSent(
            f"{server.host} did not say whether it took the message.",
            unconfirmed=True,
            detail=type(error).__name__,
        ) from None
    if code != 250:
        raise smtplib.SMTPDataError(code, said)
    with suppress(smtplib.SMTPException, OSError):  # it has been taken
        connection.quit()


def _dotted(content: bytes) -> bytes:
    """As it travels (RFC 5321, 4.5.2); it ends with a line break."""
    return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _written(sender: str, mail: Mail) -> bytes:
    message = EmailMessage()
    message["From"] = f"Calendar Companion <{sender}>"
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text, cte="quoted-printable")
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


# ── errors ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _in_words(server: MailServer) -> Iterator[None]:
    try:
        yield
    except CompanionError:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _refused(
            f"{server.host} does not take messages for that address.",
            "Check the address.",
            code,
            said,
            address_only=True,
        ) from None
    except smtplib.SMTPNotSupportedError as error:
        raise NoticeNotSent(*_unsupported(server, error), detail=type(error).__name__) from None
    except smtplib.SMTPResponseException as error:
        raise _answered(server, error) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NoticeNotSent(*_unreachable(server, error), detail=type(error).__name__) from None


def _answered(server: MailServer, error: smtplib.SMTPResponseException) -> NoticeNotSent:
    code, said = error.smtp_code, error.smtp_error
    if isinstance(error, smtplib.SMTPAuthenticationError):
        if any(each in _words(said) for each in _BASIC_IS_OFF):
            return _refused(
                f"{server.host} does not allow programs to sign in with a password.",
                "Your IT person must allow SMTP AUTH for this mailbox, or use another mail server.",
                code,
                said,
            )
        return _refused(
            f"{server.host} refuses the user or the password.",
            "Type both again; where sign-ins have a second step, an app password is needed.",
            code,
            said,
        )
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _refused(
            f"{server.host} does not take messages from {error.sender}.",
            "Use the mailbox's own address as the sender, and give its user and password.",
            code,
            said,
        )
    return _refused(f"{server.host} did not take the message.", "Ask whoever runs it.", code, said)


def _refused(
    what: str, remedy: str, code: int, said: bytes | str, *, address_only: bool = False
) -> NoticeNotSent:
    words = _words(said)
    if 400 <= code < 500:
        remedy = "It is tried again by itself."
    if words:
        remedy = f"{remedy} The server said: {code} {words}"
    return NoticeNotSent(what, remedy, address_only=address_only, detail=f"SMTP {code}")


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join("".join(e if e.isprintable() else " " for e in text).split())[:200]


def _unsupported(server: MailServer, error: Exception) -> tuple[str, str]:
    if "STARTTLS" in str(error):
        return (
            f"{server.host} offers no encryption at port {server.port}, so nothing was sent.",
            "Use a port that does: usually 587, or 465 with TLS from the start.",
        )
    return (
        f"{server.host} does not ask for a user and password at port {server.port}.",
        "Leave the user empty, or use the port at which one signs in (usually 587).",
    )


def _unreachable(server: MailServer, error: Exception) -> tuple[str, str]:
    place = f"{server.host} at port {server.port}"
    if is_untrusted(error):
        return (
            f"The secure connection to {server.host} could not be verified, so nothing was sent.",
            (
                "Use the name that its certificate bears. Check this computer's date, and whether "
                "antivirus inspects secure connections."
            ),
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"{place} does not speak TLS from the start.",
            "Choose STARTTLS (usually port 587), or port 465.",
        )
    if isinstance(error, socket.gaierror | UnicodeError):
        return (
            f"There is no mail server called {server.host}.",
            "Check its name, and this computer's internet connection.",
        )
    if type(error) is smtplib.SMTPException:  # no way to sign in that both know
        return (
            f"{place} does not sign in as this program can.",
            "Ask whoever runs it which other port or mailbox to use.",
        )
    return (
        f"{place} does not answer as a mail server does.",
        (
            "Check server, port and encryption, and whether this network lets mail out. At port "
            "465 use TLS from the start, at 587 STARTTLS."
        ),
    )
