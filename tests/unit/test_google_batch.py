"""The batch format: Google reads what we meant, and a torn answer is recognised."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.google.batch import CONTENT_TYPE, Call, read_batch, write_batch
from companion.sandbox.batch import read_parts, write_parts

CALLS = [
    Call(method="POST", target="/calendar/v3/calendars/c/events?a=1", body='{"id": "x"}'),
    Call(method="PATCH", target="/calendar/v3/e", body="{}", headers={"If-Match": '"1"'}),
    Call(method="DELETE", target="/calendar/v3/e"),
]


def answer(*parts: tuple[int, int, str]) -> tuple[str, bytes]:
    """(number, status, body) each."""
    return write_parts(
        [
            (f"<w{number}>", status, [("Content-Type", "application/json")], body.encode())
            for number, status, body in parts
        ]
    )


def test_what_we_write_is_read_as_it_was_meant() -> None:
    parts = read_parts(CONTENT_TYPE, write_batch(CALLS))
    assert [(part.method, part.target, part.body.decode()) for part in parts] == [
        (call.method, call.target, call.body) for call in CALLS
    ]
    assert parts[1].headers["if-match"] == '"1"'
    assert [part.content_id for part in parts] == ["<w0>", "<w1>", "<w2>"]


@given(st.text())
def test_no_text_can_break_out_of_its_part(text: str) -> None:
    body = json.dumps({"summary": text})
    [part] = read_parts(CONTENT_TYPE, write_batch([Call(method="POST", target="/x", body=body)]))
    assert json.loads(part.body) == {"summary": text}


def test_answers_are_sorted_by_their_number() -> None:
    answers = read_batch(*answer((2, 204, ""), (0, 200, "{}"), (1, 409, '{"e":1}')), 3)
    assert [each.status for each in answers if each] == [200, 409, 204]
    assert answers[1] is not None
    assert answers[1].content == b'{"e":1}'
    assert answers[1].headers["content-type"] == "application/json"


def test_a_missing_part_is_none_and_the_others_are_known() -> None:
    answers = read_batch(*answer((0, 200, "{}"), (2, 200, "{}")), 3)
    assert [each is None for each in answers] == [False, True, False]


def test_a_torn_answer_gives_what_is_whole() -> None:
    kind, content = answer((0, 200, "{}"), (1, 200, "{}"))
    torn = content[: content.index(b"response-w1") + 12]
    answers = read_batch(kind, torn, 2)
    assert answers[0] is not None
    assert answers[1] is None


@pytest.mark.parametrize("kind", ["text/html", "multipart/mixed", ""])
def test_an_answer_that_is_no_batch_tells_nothing(kind: str) -> None:
    assert read_batch(kind, b"<html>", 2) == [None, None]


def test_a_part_with_a_number_we_never_sent_is_ignored() -> None:
    assert read_batch(*answer((7, 200, "{}")), 2) == [None, None]


def test_an_answer_with_folded_quotes_and_bare_newlines_is_read() -> None:
    content = (
        b"--b\nContent-Type: application/http\ncontent-id: response-w0\n\n"
        b"HTTP/1.1 403 Forbidden\nRetry-After: 3\n\n{}\n--b--"
    )
    [only] = read_batch('multipart/mixed; boundary="b"', content, 1)
    assert only is not None
    assert (only.status, only.headers["retry-after"], only.content) == (403, "3", b"{}")
