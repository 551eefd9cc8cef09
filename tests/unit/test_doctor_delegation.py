"""The doctor where a service account speaks for the practitioners."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.errors import Offline
from companion.domain.settings import PractitionerSettings
from companion.services.maintenance.delegation_checks import AT_ONCE
from tests.fakes.doctor import Clinic
from tests.fakes.keys import key_text

ANNA, BEN = "anna@clinic.example", "ben@clinic.example"


@pytest.fixture
async def clinic() -> Clinic:
    """Anna is connected by the service account; Ben has a login and is not connected."""
    made = Clinic()
    await made.connecting.set_client(key_text())
    await made.connecting.delegate("anna", login=ANNA)
    ben = made.settings.current.practitioners["ben"]
    ben = replace(ben, practitioner=replace(ben.practitioner, email=BEN))
    made.change(lambda s: s.with_practitioner(ben))
    made.google.minted.clear()
    return made


async def test_one_token_is_asked_for_for_each_person(clinic: Clinic) -> None:
    found = {each.id: each for each in (await clinic.examine()).findings}
    assert sorted(clinic.google.minted) == [ANNA, BEN]
    assert found["sign-in:anna"].state == found["calendar:anna"].state == "ok"
    assert found["service-account"].what == (
        "sync@riverside-physio.iam.gserviceaccount.com (client ID 104727004242420010001) speaks "
        "for 1 of 2 practitioners, and may speak for 1 more."
    )
    assert "ben" not in {each.subject for each in found.values()}
    assert not {"testing-mode", "scopes:anna"} & found.keys()
    assert "Nobody signs in" in found["client-file"].what


async def test_who_is_refused_is_a_finding_of_their_own(clinic: Clinic) -> None:
    clinic.google.strangers |= {ANNA, BEN}
    found = {each.id: each for each in (await clinic.examine()).findings}
    assert (found["delegation:ben"].state, found["sign-in:anna"].state) == ("warn", "fail")
    assert "knows nobody" in found["delegation:ben"].what
    assert found["sign-in:anna"].action is not None
    assert found["sign-in:anna"].action.page == "/practitioner/anna"
    assert sorted(clinic.google.minted) == [ANNA, BEN]


async def test_who_signed_in_is_not_asked_for(clinic: Clinic) -> None:
    await clinic.connect("ben")
    await clinic.examine()
    assert clinic.google.minted == [ANNA]


async def test_many_are_asked_for_some_at_a_time(clinic: Clinic) -> None:
    for number in range(50):
        person = Practitioner(id=f"p{number}", name=f"P {number}", email=f"p{number}@x.example")
        record = PractitionerSettings(practitioner=person)
        clinic.change(lambda s, record=record: s.with_practitioner(record))  # type: ignore[misc] # mypy cannot infer a default
    under_way = most = 0

    async def count(_when: str, name: str) -> None:
        nonlocal under_way, most
        if name == "mint":
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    clinic.google.hook = count
    await clinic.examine()
    assert len(clinic.google.minted) == 52
    assert AT_ONCE <= most <= AT_ONCE + 1


async def test_without_a_network_there_is_one_finding(clinic: Clinic) -> None:
    clinic.google.offline = True
    clinic.probes.path, clinic.probes.offset = Offline(), Offline()
    findings = (await clinic.examine()).findings
    assert [each.id for each in findings if each.state != "ok"] == ["network"]


async def test_where_only_google_is_silent_it_is_said_once_for_those_not_connected(
    clinic: Clinic,
) -> None:
    clinic.google.offline = True
    findings = (await clinic.examine()).findings
    assert {each.id for each in findings if each.state == "fail"} == {
        "sign-in:anna",
        "service-account",
    }


async def test_a_missing_key_is_the_trouble_of_whom_it_speaks_for(clinic: Clinic) -> None:
    del clinic.secrets.kept["google/service-account"]
    finding = await clinic.finding("sign-in:anna")
    assert (finding.state, "key" in finding.what.casefold()) == ("fail", True)
