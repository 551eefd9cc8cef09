"""How far a practitioner has come, and copying settings to others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.disclosure import ClientName, Disclosure
from companion.domain.errors import BadInput, NotFound
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings, SyncChoices
from companion.services.settings.setup import PARTS, STEPS, Setup
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings

LINK = GoogleLink(login="a@example.com", account="a@example.com", calendar_id="c1")


def person(identity: str, **more: object) -> PractitionerSettings:
    record = PractitionerSettings(practitioner=Practitioner(id=identity, name=identity.title()))
    return replace(record, **more)  # type: ignore[arg-type]  # fields by name


def fixture(*people: PractitionerSettings) -> tuple[Setup, FakeSettings]:
    settings = Settings(install_id="0123456789abcdef")
    for each in people:
        settings = settings.with_practitioner(each)
    store = FakeSettings(settings)
    return Setup(store, FakeClock()), store


def done(setup: Setup, who: str = "anna") -> list[int]:
    return [step.number for step in setup.steps(who).steps if step.done]


async def test_the_steps_are_remembered_one_by_one() -> None:
    setup, store = fixture(person("anna"))
    assert done(setup) == []
    assert setup.steps("anna").current == setup.steps("anna").steps[0]
    connected = person("anna", google=LINK, choices=SyncChoices(enabled=True))
    await store.change(lambda settings: settings.with_practitioner(connected))
    assert done(setup) == [1, 2, 3, 4]
    await setup.tested("anna", good=True)
    await setup.accessible("anna", good=True)
    current = setup.steps("anna").current
    assert current is not None
    assert current.title == "Sync period"
    await setup.applied("anna")
    await setup.uploaded("anna")
    assert done(setup) == list(range(1, len(STEPS) + 1))
    assert setup.steps("anna").current is None


async def test_a_filled_calendar_leaves_nothing_to_do_but_what_a_check_found_since() -> None:
    setup, _ = fixture(person("anna", google=LINK, choices=SyncChoices(enabled=True)))
    await setup.uploaded("anna")
    assert setup.steps("anna").current is None
    await setup.accessible("anna", good=False)
    current = setup.steps("anna", filled=True).current
    assert current is not None
    assert current.title == "Check Calendar is accessible"
    await setup.uploaded("anna")
    assert setup.steps("anna").current is None


async def test_another_calendar_makes_its_checks_due_again() -> None:
    setup, store = fixture(person("anna", google=LINK))
    await setup.tested("anna", good=True)
    await setup.accessible("anna", good=True)
    await setup.uploaded("anna")
    record = store.read().practitioners["anna"]
    other = replace(record, google=replace(LINK, calendar_id="c2"))
    await store.change(lambda settings: settings.with_practitioner(other))
    assert done(setup) == [2, 3, 4, 5], "the account is the same"
    gone = replace(record, google=GoogleLink(login="a@example.com"))
    await store.change(lambda settings: settings.with_practitioner(gone))
    assert done(setup) == [2]


async def test_a_check_that_fails_later_is_due_again() -> None:
    setup, store = fixture(person("anna", google=LINK))
    await setup.tested("anna", good=True)
    await setup.tested("anna", good=True)
    assert len(store.read().practitioners["anna"].setup) == 1
    await setup.tested("anna", good=False)
    assert 5 not in done(setup)


async def test_a_sign_in_without_a_calendar_stops_at_the_calendar() -> None:
    setup, _ = fixture(person("anna", google=replace(LINK, calendar_id="")))
    assert done(setup) == [2, 3]


OPEN = SyncChoices(
    enabled=True,
    days_in_advance=90,
    disclosure=Disclosure(client_name=ClientName.FULL),
    colour="4",
    tidy_past=True,
)


async def test_settings_are_copied_but_never_whose_calendar_it_is() -> None:
    setup, store = fixture(
        person("anna", google=LINK, choices=OPEN), person("ben"), person("cai", choices=OPEN)
    )
    before = store.read().practitioners["ben"]
    assert await setup.copy("anna", ["ben", "cai"]) == ("ben",)
    ben = store.read().practitioners["ben"]
    assert ben.choices == replace(OPEN, enabled=False)
    assert ben.google == GoogleLink()
    assert ben.disclosure_revision == before.disclosure_revision + 1
    assert ben.disclosure_changed_at > before.disclosure_changed_at
    assert [step.number for step in setup.steps("ben").steps if step.done] == [7, 8]


async def test_only_the_chosen_parts_are_copied() -> None:
    setup, store = fixture(person("anna", choices=OPEN), person("ben"))
    await setup.copy("anna", ["ben"], ["period"])
    ben = store.read().practitioners["ben"]
    assert ben.choices == replace(SyncChoices(), days_in_advance=90)
    assert ben.disclosure_revision == 0
    assert ben.setup == ("period",)


@pytest.mark.parametrize(
    ("to", "parts"),
    [([], list(PARTS)), (["anna"], list(PARTS)), (["ben"], []), (["ben"], ["google"])],
)
async def test_copying_nothing_or_to_nobody_is_refused(to: list[str], parts: list[str]) -> None:
    setup, store = fixture(person("anna", choices=OPEN), person("ben"))
    with pytest.raises(BadInput):
        await setup.copy("anna", to, parts)
    assert store.changes == 0


async def test_when_one_is_gone_nobody_is_changed() -> None:
    setup, store = fixture(person("anna", choices=OPEN), person("ben"))
    with pytest.raises(NotFound):
        await setup.copy("anna", ["ben", "gone"])
    assert store.changes == 0


def test_what_is_copied_are_choices_there_are() -> None:
    names = [name for part in PARTS.values() for name in part]
    assert all(hasattr(SyncChoices(), name) for name in names)
    assert "enabled" not in names
