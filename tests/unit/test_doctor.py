"""The doctor: every problem has a finding that says what to do, and no check stops another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.errors import (
    CalendarGone,
    CompanionError,
    Offline,
    PermissionDenied,
    RateLimited,
    SecretsDamaged,
    SecretsUnavailable,
    StoreDamaged,
    StoreError,
)
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.google.connecting import CalendarChoice, Connecting
from companion.services.maintenance.doctor import AT_ONCE, Diagnosis, Doctor, Examined, closed_home
from companion.services.maintenance.findings import Check, CheckContext, Finding
from companion.services.ports import FeedDetail, FeedLink
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.maintenance import FakeProbes, answering
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryBook, MemoryFeeds, MemoryLedger
from tests.fakes.syncing import syncing_over

CLIENT = b'{"installed": {"project_id": "banksia-calendar"}}'
INSTALL = "0123456789abcdef"


class Clinic:
    """A practice with Anna, connected, and Ben, who is not."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.settings = FakeSettings(Settings(install_id=INSTALL))
        self.secrets = FakeSecrets()
        self.google = FakeGoogle(secrets=self.secrets, install=INSTALL)
        self.ledger, self.feeds = MemoryLedger(), MemoryFeeds()
        self.probes = FakeProbes()
        activity = MemoryActivity()
        self.connecting = Connecting(
            google=self.google,
            settings=self.settings,
            secrets=self.secrets,
            ledger=self.ledger,
            activity=activity,
            clock=self.clock,
            syncing=syncing_over(
                google=self.google,
                settings=self.settings,
                ledger=self.ledger,
                activity=activity,
                clock=self.clock,
            ),
        )
        self.more: dict[str, Any] = {}
        for key, name in (("anna", "Anna Example"), ("ben", "Ben Muster")):
            record = PractitionerSettings(practitioner=Practitioner(id=key, name=name))
            self.settings.current = self.settings.current.with_practitioner(record)

    async def connect(self, key: str = "anna") -> None:
        await self.connecting.set_client(CLIENT)
        start = await self.connecting.begin(
            key,
            calendar=CalendarChoice(kind="new", name="Appointments"),
            redirect_uri="http://127.0.0.1:8080/oauth/callback",
        )
        await self.connecting.finish(self.google.consent(start.url, f"{key}@clinic.example"))

    def change(self, edit: Callable[[Settings], Settings]) -> None:
        self.settings.current = edit(self.settings.current)

    def change_anna(self, edit: Callable[[PractitionerSettings], PractitionerSettings]) -> None:
        self.change(lambda s: s.with_practitioner(edit(s.practitioners["anna"])))

    def practice(self, **changes: Any) -> None:
        self.change(lambda s: replace(s, practice=replace(s.practice, **changes)))

    def context(self) -> CheckContext:
        return CheckContext(
            **{
                "settings": self.settings,
                "book": MemoryBook(),
                "ledger": self.ledger,
                "feeds": self.feeds,
                "secrets": self.secrets,
                "google": self.google,
                "connecting": self.connecting,
                "probes": self.probes,
                "clock": self.clock,
                "home": Path("home"),
                "program": "1.2.3",
                "integrity": answering("ok"),
                "listener": lambda: ("192.168.20.7", 8090),
                **self.more,
            }
        )

    async def examine(self) -> Diagnosis:
        return await Doctor(self.context()).examine()

    async def finding(self, key: str) -> Finding:
        found = {each.id: each for each in (await self.examine()).findings}
        return found[key]


@pytest.fixture
async def clinic() -> Clinic:
    made = Clinic()
    await made.connect()
    return made


async def test_a_healthy_clinic_has_nothing_to_mend(clinic: Clinic) -> None:
    diagnosis = await clinic.examine()
    assert [each.id for each in diagnosis.findings if each.state != "ok"] == []
    assert diagnosis.healthy
    assert {each.id for each in diagnosis.findings} == {
        "calendar:anna",
        "certificate",
        "client-file",
        "clock",
        "database",
        "disk",
        "feed-listener",
        "key-store",
        "network",
        "scopes:anna",
        "settings",
        "sign-in:anna",
        "testing-mode",
        "time-zones",
        "versions",
    }


async def test_the_doctor_writes_nothing_to_anybody_s_calendar(clinic: Clinic) -> None:
    await clinic.examine()
    assert all(not each.writes for each in clinic.google.calendars_by_id.values())


async def test_the_first_day_fails_nothing() -> None:
    diagnosis = await Clinic().examine()
    assert diagnosis.healthy
    assert [each.id for each in diagnosis.findings if each.state == "warn"] == ["client-file"]


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
async def test_each_trouble_is_found_and_says_what_to_do(
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
async def test_a_calendar_s_trouble_does_not_blame_the_sign_in(clinic: Clinic, error: Any) -> None:
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


# ── the run itself ───────────────────────────────────────────────────────────────────────────


def doctor_with(clinic: Clinic, *checks: Check, seconds: float | None = None) -> Doctor:
    return Doctor(clinic.context(), checks=lambda _context: checks, seconds=seconds)


def check(key: str, run: Callable[[], Awaitable[Iterable[Finding]]]) -> Check:
    return Check(id=key, title=key, run=run)


async def fine() -> Iterable[Finding]:
    return [Finding(id="fine", state="ok", title="Fine", what="It is.")]


async def test_a_check_that_hangs_in_a_thread_is_left_behind(clinic: Clinic) -> None:
    released = threading.Event()

    async def hangs() -> Iterable[Finding]:
        await asyncio.to_thread(released.wait, 30)
        return []

    try:
        doctor = doctor_with(clinic, check("hangs", hangs), check("fine", fine), seconds=0.2)
        diagnosis = await asyncio.wait_for(doctor.examine(), 10)
    finally:
        released.set()
    assert [(each.id, each.state) for each in diagnosis.findings] == [
        ("hangs", "fail"),
        ("fine", "ok"),
    ]
    assert "no answer within 0.2 seconds" in diagnosis.findings[0].what


async def test_a_check_that_will_not_be_cancelled_is_left_behind_too(clinic: Clinic) -> None:
    released = asyncio.Event()

    async def stubborn() -> Iterable[Finding]:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return []

    doctor = doctor_with(clinic, check("stubborn", stubborn), seconds=0.05)
    diagnosis = await asyncio.wait_for(doctor.examine(), 10)
    assert diagnosis.findings[0].id == "stubborn"
    released.set()
    await asyncio.sleep(0)


async def test_a_check_that_stumbles_is_a_finding_without_its_words(clinic: Clinic) -> None:
    async def fails() -> Iterable[Finding]:
        raise KeyError("Mira Sample")

    async def in_words() -> Iterable[Finding]:
        raise StoreDamaged

    diagnosis = await doctor_with(
        clinic, check("fails", fails), check("words", in_words), check("fine", fine)
    ).examine()
    found = {each.id: each for each in diagnosis.findings}
    assert "KeyError" in found["fails"].what
    assert "Mira" not in str(found["fails"])
    assert found["words"].what == StoreDamaged().what
    assert found["fine"].state == "ok"


async def test_findings_are_told_as_they_come_and_checks_run_side_by_side(clinic: Clinic) -> None:
    told_of: list[Examined] = []
    running, most = 0, 0
    gate = asyncio.Event()

    async def counted() -> Iterable[Finding]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if most == AT_ONCE:
            gate.set()
        await gate.wait()
        running -= 1
        return await fine()

    checks = [check(str(number), counted) for number in range(3 * AT_ONCE)]
    await doctor_with(clinic, *checks).examine(told_of.append)
    assert most == AT_ONCE
    assert [each.done for each in told_of] == list(range(1, 3 * AT_ONCE + 1))
    assert {each.total for each in told_of} == {3 * AT_ONCE}


async def test_the_loop_answers_while_a_check_blocks_its_thread(clinic: Clinic) -> None:
    turns = 0
    done = threading.Event()

    async def blocks() -> Iterable[Finding]:
        await asyncio.to_thread(done.wait, 10)
        return []

    examining = asyncio.create_task(doctor_with(clinic, check("blocks", blocks)).examine())
    until = time.monotonic() + 10
    while turns < 100 and time.monotonic() < until:
        await asyncio.sleep(0)
        turns += 1
    done.set()
    await examining
    assert turns == 100


async def test_settings_that_cannot_be_read_are_the_finding(clinic: Clinic) -> None:
    class Broken:
        def read(self) -> Settings:
            raise StoreDamaged

    clinic.more["settings"] = Broken()
    diagnosis = await clinic.examine()
    assert [each.id for each in diagnosis.findings] == ["settings"]
    assert not diagnosis.healthy


async def test_a_home_that_does_not_open_is_told_with_the_way_out(clinic: Clinic) -> None:
    diagnosis = closed_home(StoreDamaged(), "1.2.3", clinic.clock.now())
    assert not diagnosis.healthy
    action = diagnosis.findings[0].action
    assert action is not None
    assert action.command == "run.py restore FILE"


async def test_sign_ins_that_do_not_open_can_be_set_aside(clinic: Clinic) -> None:
    clinic.secrets.trouble = SecretsDamaged()
    finding = await clinic.finding("key-store")
    assert finding.action is not None
    done = await Doctor(clinic.context()).fix(finding.action.fix)
    assert "secrets.aside-1.json" in done
    assert (await clinic.finding("key-store")).state == "ok"
    with pytest.raises(CompanionError):
        await Doctor(clinic.context()).fix("everything")
