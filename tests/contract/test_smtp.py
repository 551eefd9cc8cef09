"""E-mail handed to a real mail server: what arrives, and what is said where it does not."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from companion.adapters.smtp import SmtpPost
from companion.domain.errors import NoticeNotSent
from companion.domain.notice_choices import MailSecurity
from companion.services.notices.ways import Mail
from tests.fakes.certificates import trusting, write_certificate
from tests.fakes.mail_server import PASSWORD, USER, RunningMailServer, mail_server

logging.getLogger("mail.log").setLevel(logging.CRITICAL)
MAIL = Mail(
    to="alex@clinic.example",
    subject="Dr Zoë O'Hara: Google sign-in has ended",
    text="Dr Zoë O'Hara: it ended.\n.\nWhat to do: press Connect.\n..two dots\n",
    id="0123abcd",
    at=datetime(2026, 3, 2, 9, tzinfo=UTC),
)
BOTH = [MailSecurity.STARTTLS, MailSecurity.TLS]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture(params=BOTH)
def server(
    request: pytest.FixtureRequest, certificate: tuple[Path, Path]
) -> Iterator[RunningMailServer]:
    with mail_server(certificate, request.param) as running:
        yield running


@pytest.fixture
def post(certificate: tuple[Path, Path]) -> SmtpPost:
    return SmtpPost(seconds=5, trust=lambda: trusting(certificate[0]))


def refusal(post: SmtpPost, server: RunningMailServer, **changed: object) -> NoticeNotSent:
    with pytest.raises(NoticeNotSent) as refused:
        post.send(server.settings(**changed), PASSWORD, MAIL)
    assert PASSWORD not in f"{refused.value} {refused.value.detail}"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return refused.value


def test_a_message_arrives_as_it_was_written(post: SmtpPost, server: RunningMailServer) -> None:
    post.send(server.settings(), PASSWORD, MAIL)
    (message,) = server.taken
    assert server.to == [MAIL.to]
    assert server.signed_in == 1
    assert message["Subject"] == MAIL.subject
    assert message["From"] == f"Calendar Companion <{USER}>"
    assert message["To"] == MAIL.to
    assert message["Message-ID"] == "<0123abcd@clinic.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == MAIL.at
    assert message.get_content().replace("\r\n", "\n") == MAIL.text
    assert message.get_content_type() == "text/plain"


def test_nothing_is_sent_to_a_server_whose_certificate_is_not_trusted(
    server: RunningMailServer,
) -> None:
    stranger = SmtpPost(seconds=5)
    assert "could not be verified" in refusal(stranger, server).what
    assert not server.signed_in


def test_nothing_is_sent_to_a_server_of_another_name(
    post: SmtpPost, server: RunningMailServer
) -> None:
    found = refusal(post, server, host="localhost")
    assert "could not be verified" in found.what
    assert "name that its certificate bears" in found.remedy
    assert not server.signed_in


def test_a_server_without_encryption_gets_not_even_the_login(
    post: SmtpPost, certificate: tuple[Path, Path]
) -> None:
    with mail_server(certificate, MailSecurity.STARTTLS, encrypts=False) as plain:
        assert "offers no encryption" in refusal(post, plain).what
        assert not plain.signed_in
        found = refusal(post, plain, security=MailSecurity.TLS)
        assert "does not speak TLS from the start" in found.what


def test_the_wrong_encryption_at_a_tls_port_is_said(certificate: tuple[Path, Path]) -> None:
    post = SmtpPost(seconds=0.3, trust=lambda: trusting(certificate[0]))
    with mail_server(certificate, MailSecurity.TLS) as server:
        found = refusal(post, server, security=MailSecurity.STARTTLS)
    assert "does not answer as a mail server does" in found.what
    assert "465" in found.remedy


REFUSALS = [
    ("AUTH", "535 5.7.8 Bad credentials", "refuses the user or the password", "app password"),
    ("AUTH", "535 5.7.139 SmtpClientAuthentication is disabled", "does not allow", "SMTP AUTH"),
    ("AUTH", "550 5.7.30 Basic authentication is not supported", "does not allow", "SMTP AUTH"),
    ("MAIL", "550 5.7.60 not permitted to send as this sender", "does not take messages from", ""),
    ("RCPT", "550 5.1.1 No such user", "for that address", "Check the address"),
    ("RCPT", "451 4.7.1 Greylisted", "for that address", "tried again by itself"),
    ("DATA", "554 5.7.1 Message refused", "did not take the message", "5.7.1 Message refused"),
]


@pytest.mark.parametrize(("step", "said", "what", "remedy"), REFUSALS)
def test_a_refusal_is_a_sentence_with_the_servers_own_words(
    post: SmtpPost, server: RunningMailServer, step: str, said: str, what: str, remedy: str
) -> None:
    server.says[step] = said
    found = refusal(post, server)
    assert what in found.what
    assert remedy in found.remedy
    assert said[4:] in found.remedy
    assert not found.unconfirmed
    assert found.address_only is (step == "RCPT")
    assert not server.taken


def test_a_wrong_password_is_said(post: SmtpPost, server: RunningMailServer) -> None:
    for wrong in ("guess", "geheim é"):
        with pytest.raises(NoticeNotSent, match="refuses the user or the password"):
            post.send(server.settings(), wrong, MAIL)


def test_an_answer_that_was_lost_is_no_refusal(post: SmtpPost, server: RunningMailServer) -> None:
    server.says["DATA"] = "hang up"
    found = refusal(post, server)
    assert found.unconfirmed
    assert len(server.taken) == 1


def test_no_server_is_a_sentence(post: SmtpPost, server: RunningMailServer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = refusal(post, server, port=unused.getsockname()[1])
    assert "does not answer as a mail server does" in found.what
    found = refusal(post, server, host="mail.invalid")
    assert found.what == "There is no mail server called mail.invalid."


def test_a_server_that_greets_and_ends_is_a_sentence(post: SmtpPost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def end() -> None:
            connection, _ = listener.accept()
            connection.close()

        thread = threading.Thread(target=end)
        thread.start()
        settings = replace(
            RunningMailServer(port=0, security=MailSecurity.STARTTLS).settings(),
            port=listener.getsockname()[1],
        )
        with pytest.raises(NoticeNotSent, match="does not answer as a mail server does") as found:
            post.send(settings, PASSWORD, MAIL)
        thread.join()
    assert not found.value.unconfirmed
