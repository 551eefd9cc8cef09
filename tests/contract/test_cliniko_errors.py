"""Cliniko as a source: its limits are kept, its errors named, and nothing else gets the key."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from companion.adapters.sources.cliniko import ClinikoSource
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.sandbox.cliniko.sample import fill
from companion.sandbox.cliniko.service import KEY
from companion.sandbox.wire import ApiRequest
from companion.services.sources.remote import Stop, Stopped
from tests.fakes.certificates import write_certificate
from tests.fakes.cliniko import (
    START,
    Clinic,
    WaitingStop,
    by_id,
)
from tests.fakes.proxies import Proxy, running

# ── limits and errors ─────────────────────────────────────────────────────────────────────────


def test_a_refusal_for_too_many_requests_is_obeyed(there: Clinic, tmp_path: Path) -> None:
    there.service.policy.per_minute = 6
    fill(there.account, 1_000, first=START)
    answer, rows = there.fetch(tmp_path)
    assert answer.whole
    assert len(by_id(rows)) == 1_000
    assert there.service.peak <= 7  # the one that was refused; nothing more in that minute
    assert sum(there.waits) >= 60


def test_all_sources_of_a_key_share_its_two_hundred_requests(there: Clinic, tmp_path: Path) -> None:
    there.book()
    there.source = ClinikoSource(there.base_url, monotonic=there.seconds)
    for number in range(45):
        there.fetch(tmp_path / str(number), stop=WaitingStop([], there.clock))
    assert there.service.requests > 250
    assert there.service.peak <= 200


def test_one_bad_answer_of_many_is_asked_for_again(there: Clinic, tmp_path: Path) -> None:
    fill(there.account, 500, first=START)
    there.service.faults.add(kind="status", status=502, match="bookings", nth=3)
    there.service.faults.add(kind="refuse", match="bookings", nth=4)
    answer, rows = there.fetch(tmp_path)
    assert answer.whole
    assert len(by_id(rows)) == 500


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "status", "status": 401}, SourceTrouble.CREDENTIALS),
        ({"kind": "status", "status": 403}, SourceTrouble.CREDENTIALS),
        ({"kind": "status", "status": 404}, SourceTrouble.NOT_THERE),
        ({"kind": "status", "status": 429, "retry_after": 600}, SourceTrouble.RATE_LIMITED),
        ({"kind": "status", "status": 500}, SourceTrouble.BROKEN),
        ({"kind": "refuse"}, SourceTrouble.OFFLINE),
    ],
)
def test_an_error_in_the_middle_hands_nothing_over(
    there: Clinic, tmp_path: Path, fault: dict[str, Any], reason: SourceTrouble
) -> None:
    fill(there.account, 300, first=START)

    def break_down(request: ApiRequest) -> None:
        if "page=2" in request.query:
            there.service.faults.add(match="bookings", **fault)

    there.service.observers.append(break_down)
    with pytest.raises(SourceUnreachable) as refused:
        there.fetch(tmp_path)
    assert refused.value.reason is reason
    said = f"{refused.value} {refused.value.remedy} {refused.value.detail}"
    assert KEY not in said
    assert "/v1" not in said
    if reason is SourceTrouble.RATE_LIMITED:
        assert refused.value.wait == 600


def test_a_wrong_key_is_said(there: Clinic, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable) as refused:
        there.fetch(tmp_path, secret="MS0xLWFub3RoZXI-au1")
    assert refused.value.reason is SourceTrouble.CREDENTIALS
    assert "API key" in refused.value.remedy


def test_a_page_that_leads_to_another_host_is_not_followed(
    there: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "companion.sandbox.cliniko.service._links",
        lambda *_: {"self": "", "next": "https://evil.example/v1/bookings?page=2"},
    )
    there.book()
    with pytest.raises(SourceUnreachable) as refused:
        there.fetch(tmp_path)
    assert refused.value.reason is SourceTrouble.UNREADABLE


def test_a_fetch_is_stopped_at_once(there: Clinic, tmp_path: Path) -> None:
    fill(there.account, 300, first=START)
    there.service.faults.add(kind="slow", ms=60_000, match="bookings")
    came = threading.Event()
    there.service.observers.append(lambda _request: came.set())
    stop = Stop()
    ended: list[BaseException] = []

    def fetch() -> None:
        try:
            there.fetch(tmp_path, stop=stop)
        except Stopped as error:
            ended.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    assert came.wait(10)
    stop.ask()
    thread.join(10)
    assert len(ended) == 1


# ── at Cliniko's own address ──────────────────────────────────────────────────────────────────


def test_a_key_goes_to_its_own_shard_alone_through_the_clinics_proxy(
    there: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.book()
    there.service.key = KEY.replace("-au1", "-uk2")
    certificate = write_certificate(tmp_path, hosts=["api.uk2.cliniko.com"])
    with running(
        Proxy(urlsplit(there.base_url).port or 0, certificate, user="clinic:s3cret")
    ) as it:
        monkeypatch.setenv("HTTPS_PROXY", f"http://clinic:s3cret@127.0.0.1:{it.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        there.source = ClinikoSource(rate=1e6, retries=())
        answer, rows = there.fetch(tmp_path / "fetched", secret=there.service.key)
        assert (answer.whole, len(rows)) == (True, 1)
        assert set(it.asked) == {"api.uk2.cliniko.com:443"}
        monkeypatch.setenv("SSL_CERT_FILE", str(write_certificate(tmp_path, "other")[0]))
        there.source = ClinikoSource(rate=1e6, retries=())
        with pytest.raises(SourceUnreachable, match="could not be verified"):
            there.fetch(tmp_path / "again", secret=there.service.key)


def test_an_address_that_would_carry_keys_in_clear_is_refused() -> None:
    with pytest.raises(BadInput):
        ClinikoSource("http://cliniko.example")
