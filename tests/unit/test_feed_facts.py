"""The state of a link, its client and its measured interval."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from companion.services.feeds.facts import client_name, facts_of
from companion.services.feeds.links import network_word, product_of
from companion.services.ports import FeedDetail, FeedLink
from tests.fakes.feeds import NOON

MONTH = timedelta(days=30)
LINK = FeedLink(
    id="a",
    practitioner_id="avery",
    label="Phone",
    detail=FeedDetail.INITIALS,
    token_hash=b"",
    created_at=NOON,
    days_in_arrears=7,
    days_in_advance=60,
)


@pytest.mark.parametrize(
    ("after", "changes", "state"),
    [
        (timedelta(days=1), {}, "new"),
        (MONTH, {}, "unused"),
        (MONTH, {"last_fetched_at": NOON + timedelta(days=2)}, "in use"),
        (2 * MONTH, {"last_fetched_at": NOON + timedelta(days=2)}, "unused"),
        (MONTH, {"expires_at": NOON + MONTH}, "expired"),
        (timedelta(0), {"revoked_at": NOON, "expires_at": NOON}, "switched off"),
    ],
)
def test_a_link_has_one_state(after: timedelta, changes: dict[str, object], state: str) -> None:
    link = replace(LINK, **changes)  # type: ignore[arg-type] # as the table says
    facts = facts_of(link, NOON + after, MONTH)
    assert facts.state == state
    assert facts.works is (state not in {"expired", "switched off"})


def test_the_interval_is_the_median_of_what_was_measured() -> None:
    assert facts_of(LINK, NOON, MONTH).interval is None
    link = replace(LINK, intervals=(900, 901, 899, 28_000, 900))
    assert facts_of(link, NOON, MONTH).interval == timedelta(seconds=900)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Google-Calendar-Importer", "Google Calendar"),
        ("iOS/18.1 (22B83) dataaccessd/1.0", "iPhone or iPad"),
        ("macOS/15.1 (24B83) dataaccessd/1.0", "Mac"),
        ("ICSx5/2.3 (2024/10/10; okhttp) Android/14", "ICSx5 (Android)"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
            "Thunderbird",
        ),
        ("Microsoft.Exchange/15.20", "Outlook"),
        ("Evolution/3.50", "Evolution"),
        ("SomethingNew/1", "SomethingNew"),
        ("", ""),
    ],
)
def test_clients_are_called_what_people_call_them(user_agent: str, name: str) -> None:
    assert client_name(product_of(user_agent)) == name


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("192.168.1.20", "inside"),
        ("10.1.1.1", "inside"),
        ("fd00::20", "inside"),
        ("fe80::1%eth0", "inside"),
        ("8.8.8.8", "outside"),
        ("2001:4860:4860::8888", "outside"),
        ("::ffff:8.8.8.8", "outside"),
        ("::ffff:192.168.1.9", "inside"),
        ("127.0.0.1", "here"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_a_device_is_inside_the_network_or_outside(address: str, word: str) -> None:
    assert network_word(address) == word
