"""The webhook over a real connection: signed, once, and to its own address alone."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from companion.adapters.webhook import HttpWebhook
from companion.domain.errors import BadInput, NoticeNotSent
from companion.services.notices.addressing import checked_webhook

AT = datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC)
SECRET, TOKEN = "made-up signing secret", "T0/B1/private-3f9a"


class Receiver:
    """What an IT person writes: it trusts nothing that is not signed."""

    def __init__(self) -> None:
        self.answers = [200]
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.to = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                given = dict(e.split("=") for e in self.headers["x-companion-signature"].split(","))
                signed = hmac.new(SECRET.encode(), f"{given['t']}.".encode() + body, hashlib.sha256)
                assert hmac.compare_digest(given["v1"], signed.hexdigest())
                assert given["t"] == str(int(AT.timestamp()))
                assert self.headers["content-type"] == "application/json"
                receiver.calls.append((self.headers["x-companion-delivery"], json.loads(body)))
                self.send_response(receiver.answers[-1])
                if receiver.to:
                    self.send_header("Location", receiver.to)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/hooks/{TOKEN}"
        threading.Thread(target=self.http.serve_forever, args=[0.01], daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.http.shutdown()
    found.http.server_close()


def post(address: str) -> None:
    HttpWebhook(seconds=5).post(address, SECRET, b'{"event": "test"}', delivery="d1", at=AT)


def refusal(address: str) -> NoticeNotSent:
    with pytest.raises(NoticeNotSent) as refused:
        post(address)
    said = f"{refused.value} {refused.value.detail} {refused.value.__cause__}"
    assert TOKEN not in said
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return refused.value


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_call_is_signed_and_arrives_once(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    post(receiver.address)
    assert receiver.calls == [("d1", {"event": "test"})]


@pytest.mark.parametrize(
    ("status", "what"),
    [(301, "sends to another address"), (404, "refuses the webhook"), (500, "did not take")],
)
def test_an_answer_that_is_no_yes_is_a_refusal(receiver: Receiver, status: int, what: str) -> None:
    elsewhere = Receiver()
    receiver.answers, receiver.to = [status], elsewhere.address
    found = refusal(receiver.address)
    assert what in found.what
    assert not found.unconfirmed
    assert len(receiver.calls) == 1
    assert elsewhere.calls == []
    elsewhere.http.shutdown()
    elsewhere.http.server_close()


def test_nobody_there_and_an_answer_that_is_lost_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10_000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert refusal(f"http://127.0.0.1:{port}/{TOKEN}").unconfirmed
        thread.join()
    assert not refusal(f"http://127.0.0.1:{port}/{TOKEN}").unconfirmed


@pytest.mark.parametrize(
    "address",
    ["", "hooks.example.com/x", "ftp://a.example/", "http://hooks.example.com/x",
     "https://user:secret@a.example/", "https://ä.example/", "https://a.example:x/"],
)  # fmt: skip
def test_an_address_that_others_could_read_or_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        checked_webhook(address)
    assert "secret" not in str(refused.value)


def test_a_good_address_is_kept_as_it_is() -> None:
    assert checked_webhook(" https://Hooks.example.com/x?y=1 ") == (
        "https://Hooks.example.com/x?y=1",
        "hooks.example.com",
    )
    assert checked_webhook("http://127.0.0.1:9000/")[1] == "127.0.0.1"
