"""The feed's side of HTTP: tags, encodings, headers; and the bounds behind them."""

from __future__ import annotations

import gzip

import pytest

from companion.services.feeds.answers import (
    NOT_FOUND,
    TOO_MANY,
    UNAVAILABLE,
    FeedAnswer,
    FeedBody,
    takes_gzip,
)
from companion.services.feeds.misses import Misses, network_of

BODY = FeedBody.of(b"BEGIN:VCALENDAR\r\n" * 50, events=0)


def headers(answer: FeedAnswer) -> dict[str, str]:
    assert len({name for name, _value in answer.headers}) == len(answer.headers)
    return {name.decode(): value.decode() for name, value in answer.headers}


def test_a_whole_answer_has_exactly_the_headers_of_the_profile() -> None:
    answer = BODY.answer(accept_gzip=True)
    assert answer.status == 200
    assert headers(answer) == {
        "content-type": "text/calendar; charset=utf-8",
        "cache-control": "private, no-cache",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
        "x-content-type-options": "nosniff",
        "vary": "Accept-Encoding",
        "etag": BODY.gzip_tag,
        "content-length": str(len(answer.body)),
        "content-encoding": "gzip",
    }
    assert gzip.decompress(answer.body) == BODY.plain()


def test_without_gzip_the_answer_is_plain_and_its_tag_another() -> None:
    answer = BODY.answer(accept_gzip=False)
    assert answer.body == BODY.plain()
    assert "content-encoding" not in headers(answer)
    assert headers(answer)["etag"] == BODY.tag != BODY.gzip_tag


def test_the_same_calendar_gives_the_same_compressed_bytes() -> None:
    assert FeedBody.of(BODY.plain(), events=0) == BODY
    assert FeedBody.from_gzip(BODY.gzipped).tag == BODY.tag


@pytest.mark.parametrize(
    "if_none_match",
    [
        BODY.tag,
        BODY.gzip_tag,
        f"W/{BODY.tag}",
        f'"other", W/{BODY.gzip_tag} , "third"',
        "*",
        f'"a,b",{BODY.tag}',
    ],
)
@pytest.mark.parametrize("accept_gzip", [True, False])
def test_a_tag_of_either_encoding_anywhere_in_the_list_is_304(
    if_none_match: str, accept_gzip: bool
) -> None:
    answer = BODY.answer(accept_gzip=accept_gzip, if_none_match=if_none_match)
    assert (answer.status, answer.body) == (304, b"")
    said = headers(answer)
    assert said["etag"] == (BODY.gzip_tag if accept_gzip else BODY.tag)
    assert set(said) == {"etag", "cache-control", "referrer-policy", "vary"}


@pytest.mark.parametrize(
    "if_none_match", ["", '"other"', BODY.tag.strip('"'), '"', f'"{BODY.tag}', "W/", "**"]
)
def test_any_other_tag_is_answered_whole(if_none_match: str) -> None:
    answer = BODY.answer(accept_gzip=True, if_none_match=if_none_match)
    assert answer.status == 200


@pytest.mark.parametrize("answer", [NOT_FOUND, TOO_MANY, UNAVAILABLE])
def test_refusals_have_no_content_and_are_not_kept(answer: FeedAnswer) -> None:
    said = headers(answer)
    assert answer.body == b""
    assert said["content-length"] == "0"
    assert said["cache-control"] == "private, no-cache"
    assert "content-type" not in said


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP, deflate, br", True),
        ("x-gzip", True),
        ("deflate, br;q=1.0, *;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip; q=0.001", True),
        ("gzip;q=zero", False),
        ("identity", False),
        ("*;q=0", False),
        (",,;;==", False),
    ],
)
def test_gzip_is_sent_to_who_accepts_it(accept: str, taken: bool) -> None:
    assert takes_gzip(accept) is taken


# ── misses ───────────────────────────────────────────────────────────────────────────────────


class Hand:
    """A clock moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_misses_come_back_with_time_and_never_above_the_burst() -> None:
    clock = Hand()
    misses = Misses(clock, burst=3, per_second=0.5)
    assert [misses.allow("10.0.0.1") for _ in range(4)] == [True, True, True, False]
    clock.now = 2.0
    assert [misses.allow("10.0.0.1") for _ in range(2)] == [True, False]
    clock.now = 1000.0
    assert [misses.allow("10.0.0.1") for _ in range(4)] == [True, True, True, False]


def test_addresses_remembered_are_bounded() -> None:
    misses = Misses(Hand(), burst=1, addresses=100)
    for number in range(1_000):
        misses.allow(f"10.0.{number // 256}.{number % 256}")
    assert len(misses._left) == 100
    assert not misses.allow("10.0.3.231")
    assert misses.allow("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.168.1.2", "192.168.1.2"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.168.1.2", "192.168.1.2"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_a_household_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
