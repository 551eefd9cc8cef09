"""Each problem has one finding, with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.domain.errors import (
    CalendarGone,
    CompanionError,
    Offline,
    PermissionDenied,
    RateLimited,
    SecretsDamaged,
    SecretsUnavailable,
    StoreError,
)
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.maintenance.findings import Finding
from companion.services.ports import FeedDetail, FeedLink
from tests.fakes.doctor import Clinic
from tests.fakes.maintenance import answering


@pytest.fixture
async def clinic() -> Clinic:
    made = Clinic()
    await made.connect()
    return made


# ── one trouble, one finding ─────────────────────────────────────────────────────────────────


Break = Callable[[Clinic], object]


def breaking(**values: Any) -> Break:
    """Of the probes."""

    def break_it(clinic: Clinic) -> None:
        for name, value in values.items():
            setattr(clinic.probes, name, value)

    return break_it


def told(**values: Any) -> Break:
    """Of the `CheckContext`."""
    return lambda clinic: clinic.more.update(values)


def secrets_fail(error: Any) -> Break:
    return lambda clinic: setattr(clinic.secrets, "trouble", error)


def remote(change: Callable[[Any], object]) -> Break:
    return lambda clinic: [change(each) for each in clinic.google.calendars_by_id.values()]


def https(clinic: Clinic, days: float | CompanionError) -> None:
    clinic.practice(feed_base_url="https://cal.clinic.example")
    end = days if isinstance(days, CompanionError) else clinic.clock.now() + timedelta(days=days)
    clinic.probes.certificate = end


TROUBLES: list[tuple[str, Break, str, str, str]] = [
    (
        "recovered",
        told(recovered=lambda: "The last copy is used."),
        "settings",
        "warn",
        "last copy",
    ),
    ("clock slow", breaking(offset=timedelta(minutes=6)), "clock", "fail", "6 minutes slow"),
    ("clock fast", breaking(offset=timedelta(seconds=-40)), "clock", "warn", "40 seconds fast"),
    ("no internet", breaking(offset=Offline()), "clock", "warn", "could not be compared"),
    ("rehearsal", told(rehearsing=True), "clock", "warn", "COMPANION_NOW"),
    ("machine zone", breaking(zone="Australia/Perth"), "time-zones", "warn", "another than"),
    ("half the year", breaking(zone="Australia/Brisbane"), "time-zones", "warn", "another than"),
    (
        "unknown zone",
        lambda c: c.change_anna(
            lambda r: replace(r, practitioner=replace(r.practitioner, timezone="Mars/Olympus"))
        ),
        "time-zones",
        "fail",
        "Mars/Olympus",
    ),
    ("no keyring", secrets_fail(SecretsUnavailable()), "key-store", "fail", "no working"),
    ("lost key", secrets_fail(SecretsDamaged()), "key-store", "fail", "does not open"),
    ("weak key", told(weak_key="it is short"), "key-store", "warn", "easy to guess"),
    ("little disk", breaking(free=500_000_000), "disk", "warn", "500 MB"),
    ("no disk", breaking(free=5_000_000), "disk", "fail", "5 MB"),
    ("read only", breaking(free=StoreError()), "disk", "fail", "could not be read or written"),
    ("damaged", told(integrity=answering("row 3 missing")), "database", "fail", "damaged"),
    ("certificate soon", lambda c: https(c, 5.5), "certificate", "warn", "ends in 5 days"),
    ("certificate ended", lambda c: https(c, -1), "certificate", "fail", "has ended"),
    (
        "certificate wrong",
        lambda c: https(c, CompanionError("Not accepted: self-signed.", "Renew it.")),
        "certificate",
        "fail",
        "self-signed",
    ),
    ("library", breaking(found={"nicegui": "missing"}), "versions", "fail", "nicegui is missing"),
    (
        "revoked",
        lambda c: c.google.revoked.add("anna@clinic.example"),
        "sign-in:anna",
        "fail",
        "Test Credentials (Failed)",
    ),
    (
        "two computers",
        lambda c: c.ledger._states.update(
            anna=json.dumps(SyncState(overruled_by="2 other 2026-03-02T09:00:00Z").to_json())
        ),
        "writer:anna",
        "fail",
        "Another computer",
    ),
    ("gone", remote(lambda r: setattr(r, "gone", True)), "calendar:anna", "fail", "not exist"),
    (
        "reader",
        remote(lambda r: setattr(r, "access_role", "reader")),
        "calendar:anna",
        "fail",
        "may not write",
    ),
    (
        "no calendar",
        lambda c: c.change_anna(lambda r: replace(r, google=replace(r.google, calendar_id=""))),
        "calendar:anna",
        "fail",
        "No calendar has been chosen",
    ),
    (
        "unticked",
        lambda c: c.change_anna(
            lambda r: replace(r, google=replace(r.google, scopes=("openid", "email")))
        ),
        "scopes:anna",
        "fail",
        "not given permission",
    ),
    (
        "no client",
        lambda c: c.secrets.kept.pop("google/client"),
        "client-file",
        "fail",
        "has not been added",
    ),
]


@pytest.mark.parametrize(
    ("break_it", "key", "state", "words"),
    [each[1:] for each in TROUBLES],
    ids=[each[0] for each in TROUBLES],
)
async def test_each_problem_is_found_and_says_what_to_do(
    clinic: Clinic, break_it: Break, key: str, state: str, words: str
) -> None:
    break_it(clinic)
    finding = await clinic.finding(key)
    assert (finding.state, words in finding.what) == (state, True), finding
    assert finding.remedy
    assert (await clinic.examine()).healthy == (state != "fail")


async def test_every_failing_finding_has_a_button_or_a_command(clinic: Clinic) -> None:
    bare = []
    for name, break_it, key, state, _words in TROUBLES:
        ill = Clinic()
        await ill.connect()
        break_it(ill)
        finding = await ill.finding(key)
        if state == "fail" and finding.action is None:
            bare.append(name)
    # These are mended outside: whoever issued the certificate, or the folder's owner.
    assert bare == ["read only", "certificate ended", "certificate wrong"]


@pytest.mark.parametrize("error", [CalendarGone(), PermissionDenied(), RateLimited()])
async def test_an_error_of_the_calendar_does_not_blame_the_sign_in(
    clinic: Clinic, error: Any
) -> None:
    (calendar,) = clinic.google.calendars_by_id.values()
    calls = 0

    async def second_fails(_when: str, _name: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:  # before, after, before
            raise error

    calendar.hook = second_fails
    found = {each.id: each for each in (await clinic.examine()).findings}
    assert found["sign-in:anna"].state == "ok"
    wanted = "warn" if isinstance(error, RateLimited) else "fail"
    assert found["calendar:anna"].state == wanted
    assert found["calendar:anna"].what == error.what


async def test_without_a_network_the_doctor_says_so_once(clinic: Clinic) -> None:
    await clinic.connect("ben")
    clinic.google.offline = True
    clinic.probes.path, clinic.probes.offset = Offline(), Offline()
    findings = (await clinic.examine()).findings
    assert [each.id for each in findings if each.state != "ok"] == ["network"]


async def test_googles_own_trouble_is_still_said_for_each_practitioner(clinic: Clinic) -> None:
    await clinic.connect("ben")
    clinic.google.offline = True
    failing = {each.id for each in (await clinic.examine()).findings if each.state == "fail"}
    assert failing == {"sign-in:anna", "sign-in:ben"}


async def test_a_sign_in_that_google_will_end_is_warned_of_with_the_day(clinic: Clinic) -> None:
    ends = clinic.clock.now() + timedelta(days=7)
    clinic.change_anna(lambda record: replace(record, google=replace(record.google, ends_at=ends)))
    finding = await clinic.finding("testing-mode")
    assert finding.state == "warn"
    assert "the first on 09/03/2026" in finding.what
    assert "Publish app" in finding.remedy


async def test_someone_switched_off_is_left_alone(clinic: Clinic) -> None:
    clinic.google.revoked.add("anna@clinic.example")
    clinic.change_anna(lambda r: replace(r, choices=replace(r.choices, enabled=False)))
    assert (await clinic.finding("sign-in:anna")).state == "ok"


# ── phones ───────────────────────────────────────────────────────────────────────────────────


async def add_link(clinic: Clinic) -> None:
    await clinic.feeds.put(
        FeedLink(
            id="f1",
            practitioner_id="anna",
            label="Phone",
            detail=FeedDetail.INITIALS,
            token_hash=b"h" * 32,
            created_at=clinic.clock.now(),
            days_in_arrears=7,
            days_in_advance=60,
        )
    )


@pytest.mark.parametrize(
    ("answering_at", "runs", "links", "state", "words"),
    [
        ({"http://192.168.20.7:8090"}, True, True, "ok", "answered at"),
        ({"http://127.0.0.1:8090"}, True, True, "fail", "nothing answers at"),
        ({"http://127.0.0.1:8090"}, True, False, "warn", "nothing answers at"),
        (set[str](), True, True, "fail", "does not run"),
        (set[str](), True, False, "warn", "does not run"),
        (set[str](), False, True, "warn", "app is not running"),
    ],
)
async def test_phones_are_tried_at_the_very_address_that_links_carry(
    clinic: Clinic, answering_at: set[str], runs: bool, links: bool, state: str, words: str
) -> None:
    clinic.probes.listening = answering_at
    clinic.more["app_runs"] = lambda: runs
    if links:
        await add_link(clinic)
    finding = await clinic.finding("feed-listener")
    assert (finding.state, words in finding.what) == (state, True), finding


async def test_the_practice_s_own_address_and_ipv6_are_asked_as_they_are_written(
    clinic: Clinic,
) -> None:
    clinic.practice(feed_host="fd00::7")
    clinic.probes.listening = {"http://[fd00::7]:8090"}
    assert (await clinic.finding("feed-listener")).state == "ok"
    clinic.practice(feed_certificate="/etc/clinic.pem")
    clinic.probes.listening = {"https://[fd00::7]:8090"}
    clinic.probes.certificate = clinic.clock.now() + timedelta(days=90)
    assert (await clinic.finding("feed-listener")).state == "ok"
    assert "90 days" in (await clinic.finding("certificate")).what
    clinic.practice(feeds_allowed=False, feed_host="")
    assert "switched off" in (await clinic.finding("feed-listener")).what


# ── Testing mode ─────────────────────────────────────────────────────────────────────────────


CONNECTED = datetime(2026, 2, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)


async def state_of_anna(
    clinic: Clinic, *, lasted: timedelta | None, ended: timedelta | None
) -> Finding:
    clinic.change_anna(lambda r: replace(r, google=replace(r.google, connected_at=CONNECTED)))
    state = SyncState()
    if lasted is not None:
        state = replace(state, last_success=CONNECTED + lasted)
    if ended is not None:
        trouble = SyncTrouble(kind="SignInExpired", what="w", remedy="r", since=CONNECTED + ended)
        state = replace(state, trouble=trouble)
    await clinic.ledger.edit_state("anna", lambda _: state)
    return await clinic.finding("testing-mode")


async def test_a_sign_in_that_ended_with_its_week_raises_the_suspicion(clinic: Clinic) -> None:
    hour = timedelta(hours=1)
    finding = await state_of_anna(clinic, lasted=WEEK - hour, ended=WEEK + hour)
    assert finding.state == "fail"
    assert "Publish app" in finding.remedy


@pytest.mark.parametrize(
    ("lasted", "ended"),
    [
        (timedelta(days=30), None),
        (timedelta(days=30), timedelta(days=31)),
        (timedelta(days=2), timedelta(days=3)),
        (timedelta(days=3), None),
        (None, None),
    ],
)
async def test_any_other_end_raises_none(
    clinic: Clinic, lasted: timedelta | None, ended: timedelta | None
) -> None:
    finding = await state_of_anna(clinic, lasted=lasted, ended=ended)
    assert finding.state == "ok"
    proven = lasted == timedelta(days=30)
    assert ("is published" in finding.what) == proven
