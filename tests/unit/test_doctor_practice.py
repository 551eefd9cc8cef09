"""What the doctor finds of the server of a shared practice, and of its workstations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from companion.domain.practice_errors import DatabaseAway, Unreached
from companion.domain.settings import SourceSettings
from companion.services.maintenance.doctor import Doctor, closed_home
from companion.services.maintenance.findings import Finding
from tests.fakes.practice import WELL, FakePractice, off, workstation
from tests.fakes.services import TUESDAY, fake_application

SERVER = {
    "server",
    "server-space",
    "server-version",
    "server-rights",
    "server-encryption",
    "server-clock",
}


async def findings(practice: FakePractice | None, **facts: Any) -> dict[str, Finding]:
    if practice is not None:
        practice.server.facts = replace(WELL, **facts)
    diagnosis = await fake_application(shared=practice).services.doctor.examine()
    return {each.id: each for each in diagnosis.findings}


async def test_a_practice_on_one_computer_has_none_of_these() -> None:
    assert not [each for each in await findings(None) if each.startswith(("server", "workst"))]


async def test_a_practice_that_is_well_is_said_to_be() -> None:
    found = await findings(FakePractice())
    assert {found[each].state for each in {*SERVER, "workstations"}} == {"ok"}
    assert "answers in 2 ms." in found["server"].what
    assert "takes 48 MB" in found["server-space"].what
    assert "cannot be seen from here" in found["server-space"].what
    assert found["workstations"].what == "Front desk keeps the calendars. 2 of 3 are on."


@pytest.mark.parametrize(
    ("facts", "key", "state", "said"),
    [
        ({"latency": timedelta(milliseconds=140)}, "server", "warn", "takes 140 ms"),
        ({"version": "13.2", "supported": False}, "server-version", "fail", "13.2 is too old"),
        (
            {"refused": ("change the table book", "listen")},
            "server-rights",
            "fail",
            "may not listen",
        ),
        ({"encrypted": ""}, "server-encryption", "warn", "is not encrypted"),
        ({"sslmode": "prefer"}, "server-encryption", "warn", "does not insist"),
        ({"free": 300_000_000}, "server-space", "warn", "Only 300 MB are free"),
        ({"pooled": True}, "server-pooler", "fail", "A pooler"),
        ({"ahead": timedelta(seconds=-95)}, "server-clock", "warn", "95 seconds behind"),
    ],
)
async def test_each_trouble_of_the_server_has_a_finding_with_a_remedy(
    facts: dict[str, Any], key: str, state: str, said: str
) -> None:
    found = (await findings(FakePractice(), **facts))[key]
    assert (found.state, said in found.what) == (state, True)
    assert found.remedy


async def test_free_space_is_said_where_it_can_be_seen() -> None:
    assert (
        "12.0 GB are free" in (await findings(FakePractice(), free=12 * 10**9))["server-space"].what
    )


async def test_a_write_that_the_full_disk_of_the_server_refused_is_a_finding() -> None:
    practice = FakePractice()
    practice.server.disk_full = True
    found = (await findings(practice))["server-space"]
    assert (found.state, "nothing of it was kept" in found.what) == ("fail", True)


async def test_an_unencrypted_way_within_this_computer_is_none_over_a_network() -> None:
    found = await findings(FakePractice(), encrypted="", local=True)
    assert found["server-encryption"].state == "ok"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"sslmode": "verify-full"}, "TLSv1.3. The server's certificate proves"),
        ({"sslmode": "verify-ca"}, "its name is not checked"),
        ({"sslmode": "require"}, "TLSv1.3. The server's certificate is not checked"),
        ({"sslmode": "prefer", "local": True}, "TLSv1.3. The server's certificate is not checked"),
    ],
)
async def test_the_doctor_says_how_far_the_server_is_proved(
    facts: dict[str, Any], said: str
) -> None:
    found = (await findings(FakePractice(), **facts))["server-encryption"]
    assert (found.state, said in found.what) == ("ok", True)


async def test_an_old_program_and_a_wrong_clock_of_another_workstation_are_named() -> None:
    practice = FakePractice(
        found=[
            workstation("Back office", clock_ahead=timedelta(seconds=90)),
            workstation("Front desk", version="1.1.9", clock_ahead=timedelta(seconds=-45)),
        ]
    )
    found = await findings(practice)
    assert "Front desk has version 1.1.9" in found["workstation-version:front-desk"].what
    assert "45 seconds behind" in found["workstation-clock:front-desk"].what
    assert "workstation-clock:back-office" not in found  # this one's is measured at the server


async def test_a_program_newer_than_all_others_is_what_they_are_compared_with() -> None:
    practice = FakePractice(found=[workstation("Back office", version="1.2.2")])
    assert (
        "another one has 1.2.3"
        in (await findings(practice))["workstation-version:back-office"].what
    )


async def test_nobody_keeping_the_calendars_is_a_warning() -> None:
    found = (await findings(FakePractice(found=[off("Back office")])))["workstations"]
    assert (found.state, bool(found.remedy)) == ("warn", True)


async def test_a_server_that_is_away_is_said_once_and_by_no_other_check() -> None:
    practice = FakePractice()
    practice.server.reachable = False
    services = fake_application(shared=practice).services

    async def away() -> str:
        raise DatabaseAway

    context = replace(services.doctor._context, integrity=away)
    said = [
        each.id
        for each in (await Doctor(context).examine()).findings
        if "cannot be reached" in each.what and "database" in each.what
    ]
    assert said == ["server"]


def test_a_home_that_does_not_open_as_the_server_is_away_has_that_finding_alone() -> None:
    diagnosis = closed_home(DatabaseAway(), "1.2.3", datetime.now(UTC))
    assert [each.id for each in diagnosis.findings] == ["server"]
    assert not diagnosis.healthy


def test_whoever_looks_after_the_computers_reads_where_it_is_and_why_it_is_not_reached() -> None:
    error = DatabaseAway(place="db.example:5433", reason=Unreached.REFUSED)
    (finding,) = closed_home(error, "1.2.3", datetime.now(UTC)).findings
    assert "db.example:5433 refuses the connection" in finding.what
    assert "tried again by itself" in finding.remedy


async def test_nothing_is_said_to_be_missing_of_which_nothing_is_known() -> None:
    practice = FakePractice()
    practice.server.reachable = False
    application = fake_application(shared=practice)

    async def away(*_: object, **__: object) -> str:
        raise DatabaseAway

    connecting: Any = SimpleNamespace(client_name=away)  # all that is asked of it
    context = replace(application.services.doctor._context, connecting=connecting)
    found = (await Doctor(context).examine()).findings
    assert [each.id for each in found if each.what.startswith(DatabaseAway.default_what)] == [
        "server"
    ]
    assert "client-file" not in {each.id for each in found}


async def test_no_two_findings_of_a_practice_that_is_well_bear_one_title() -> None:
    titles = [each.title for each in (await findings(FakePractice())).values()]
    assert sorted(titles) == sorted(set(titles))


@pytest.mark.parametrize(
    ("watcher", "said"),
    [
        ("back-office", ""),
        ("off-for-a-night", ""),
        ("off-for-days", "Off for days is off: the folder is not watched. It was last seen Sun "),
        ("gone", "The workstation that watched this folder has left the practice."),
    ],
)
async def test_a_folder_whose_workstation_is_gone_or_off_for_long_is_named(
    watcher: str, said: str
) -> None:
    day = timedelta(days=1)
    practice = FakePractice(
        found=[
            workstation("Back office", keeps_calendars=True),
            off("Off for a night", seen_at=TUESDAY - day / 2),
            off("Off for days", seen_at=TUESDAY - 2 * day),
        ]
    )
    application = fake_application(shared=practice)
    source = SourceSettings(name="nookal", folder="/exports", workstation=watcher)
    await application.settings.change(lambda settings: settings.with_source(source))
    diagnosis = await application.services.doctor.examine()
    (found,) = [each for each in diagnosis.findings if each.title == "Sources"]
    assert (found.state, said in found.what) == ("warn" if said else "ok", True)
    assert ("sources watch" in found.remedy) is bool(said)
