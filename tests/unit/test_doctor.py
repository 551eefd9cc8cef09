"""The doctor: every problem has a finding that says what to do, and no check stops another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable

import pytest

from companion.domain.errors import (
    CompanionError,
    SecretsDamaged,
    StoreDamaged,
)
from companion.domain.settings import Settings
from companion.services.maintenance.doctor import AT_ONCE, Doctor, Examined, closed_home
from companion.services.maintenance.findings import Check, Finding, Topic
from tests.fakes.doctor import Clinic


@pytest.fixture
async def clinic() -> Clinic:
    made = Clinic()
    await made.connect()
    return made


async def test_a_healthy_clinic_has_nothing_to_fix(clinic: Clinic) -> None:
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
        "sources",
        "notices",
        "feed-listener",
        "home-rights",
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


# ── the run itself ───────────────────────────────────────────────────────────────────────────


def doctor_with(clinic: Clinic, *checks: Check, seconds: float | None = None) -> Doctor:
    return Doctor(clinic.context(), checks=lambda _context: checks, seconds=seconds)


def check(key: str, run: Callable[[], Awaitable[Iterable[Finding]]]) -> Check:
    return Check(Topic(key, key), run)


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


async def test_a_check_with_an_internal_error_is_a_finding_without_its_text(clinic: Clinic) -> None:
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


async def test_findings_are_published_as_they_come_and_checks_run_side_by_side(
    clinic: Clinic,
) -> None:
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


async def test_a_home_that_does_not_open_is_reported_with_its_remedy(clinic: Clinic) -> None:
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


async def test_a_home_that_others_may_open_is_reported_and_closed(clinic: Clinic) -> None:
    assert (await clinic.finding("home-rights")).state == "ok"
    clinic.rights.who = "every user of this computer"
    finding = await clinic.finding("home-rights")
    assert finding.state == "warn"
    assert "Every user of this computer can open the data folder" in finding.what
    assert finding.action is not None
    assert finding.action.command == "run.py doctor --fix home-rights"
    assert "only you" in await Doctor(clinic.context()).fix(finding.action.fix)
    assert (await clinic.finding("home-rights")).state == "ok"
