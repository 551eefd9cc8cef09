"""Settings as a file: nothing secret goes out, nothing wrong comes in, no practitioner is
disconnected."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.disclosure import ClientName, DisclosureCap
from companion.domain.errors import BadInput, CompanionError, FileRefused, StoreTooNew
from companion.domain.settings import (
    GoogleLink,
    PracticeSettings,
    PractitionerSettings,
    Settings,
    SourceSettings,
    SyncChoices,
)
from companion.services.acting import acting_as
from companion.services.settings.transfer import LARGEST, SettingTransfer
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity

SIGNED_IN = GoogleLink(
    login="anna@clinic.example",
    account="anna@clinic.example",
    calendar_id="cal-anna",
    calendar_name="Appointments",
    created_by_us=True,
    scopes=("openid",),
    connected_at=datetime(2026, 1, 5, tzinfo=UTC),
)


def here() -> Settings:
    settings = Settings(
        install_id="0123456789abcdef", practice=PracticeSettings(name="Banksia", hold_at_least=5)
    )
    anna = PractitionerSettings(
        practitioner=Practitioner(id="anna", name="Anna Example"),
        google=SIGNED_IN,
        choices=SyncChoices(enabled=True, days_in_advance=90),
        disclosure_revision=7,
    )
    ben = PractitionerSettings(practitioner=Practitioner(id="ben", name="Ben Muster"))
    settings = settings.with_practitioner(anna).with_practitioner(ben)
    return settings.with_source(SourceSettings(name="bp-allied", snapshot=True))


class Fixture:
    def __init__(self, settings: Settings | None = None) -> None:
        self.store = FakeSettings(settings or here())
        self.clock = FakeClock()
        self.activity = MemoryActivity()
        self.transfer = SettingTransfer(
            settings=self.store, clock=self.clock, activity=self.activity
        )

    def document(self) -> Any:
        return json.loads(self.transfer.export())

    def with_change(self, change: Callable[[Any], object]) -> bytes:
        document = self.document()
        change(document)
        return json.dumps(document).encode()


def test_sign_ins_and_the_installation_s_id_stay_at_home() -> None:
    text = Fixture().transfer.export().decode()
    assert "0123456789abcdef" not in text
    link = json.loads(text)["practitioners"][0]["google"]
    assert link == {
        "login": "anna@clinic.example",
        "calendar_id": "cal-anna",
        "calendar_name": "Appointments",
        "created_by_us": True,
    }


async def test_the_own_file_changes_nothing() -> None:
    fixture = Fixture()
    before = fixture.store.current
    report = await fixture.transfer.take(fixture.transfer.export())
    assert (report.changes, report.unchanged, report.kept) == (0, 2, ())
    assert fixture.store.current == before
    assert fixture.store.changes == 0


async def test_an_empty_home_takes_everybody_but_must_connect_them() -> None:
    fixture = Fixture(Settings(install_id="another"))
    report = await fixture.transfer.take(Fixture().transfer.export())
    assert report.added == ("Anna Example", "Ben Muster")
    anna = fixture.store.current.practitioners["anna"]
    assert anna.choices.days_in_advance == 90
    assert (anna.google.account, anna.google.connected) == ("", False)
    assert (anna.google.login, anna.google.calendar_id) == ("anna@clinic.example", "cal-anna")
    assert fixture.store.current.install_id == "another"
    assert fixture.store.current.sources["bp-allied"].snapshot


async def test_a_sign_in_stays_whatever_the_file_says() -> None:
    fixture = Fixture()

    def change(document: Any) -> None:
        document["practitioners"][0]["google"]["calendar_id"] = "somebody-else"
        document["practitioners"][0]["choices"]["days_in_advance"] = 30

    report = await fixture.transfer.take(fixture.with_change(change))
    anna = fixture.store.current.practitioners["anna"]
    assert anna.google == SIGNED_IN
    assert anna.choices.days_in_advance == 30
    assert report.changed == ("Anna Example",)
    assert anna.disclosure_revision == 7  # what is shown has not changed


async def test_who_is_not_in_the_file_stays() -> None:
    fixture = Fixture()
    report = await fixture.transfer.take(fixture.with_change(lambda d: d["practitioners"].pop()))
    assert report.kept == ("Ben Muster",)
    assert set(fixture.store.current.practitioners) == {"anna", "ben"}


async def test_what_is_shown_anew_raises_the_revision_feeds_go_by() -> None:
    fixture = Fixture()

    def change(document: Any) -> None:
        document["practitioners"][0]["choices"]["disclosure"]["client_name"] = "none"
        document["practitioners"][0]["disclosure_revision"] = 2

    await fixture.transfer.take(fixture.with_change(change))
    anna, ben = fixture.store.current.practitioners.values()
    assert (anna.disclosure_revision, anna.disclosure_changed_at) == (8, fixture.clock.now())
    assert ben.disclosure_revision == 0


async def test_a_lower_cap_shows_in_everybody_s_feeds() -> None:
    fixture = Fixture()
    cap = replace(DisclosureCap(), client_name=ClientName.NONE)

    def change(document: Any) -> None:
        document["practice"]["cap"]["client_name"] = cap.client_name.value

    report = await fixture.transfer.take(fixture.with_change(change))
    assert report.practice_changed
    assert [e.disclosure_revision for e in fixture.store.current.practitioners.values()] == [8, 1]


def set_days(document: Any) -> None:
    document["practitioners"][0]["choices"]["days_in_advance"] = 5000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (set_days, "practitioners.anna.choices.days_in_advance"),
        (lambda d: d["practice"].update(timezone="Mars/Olympus"), "practice.timezone"),
        (lambda d: d["practice"].update(hold_share="much"), "practice.hold_share"),
        (lambda d: d["practice"].update(colour="red"), "practice.colour"),
        (lambda d: d.update(users=[]), "users"),
        (lambda d: d.update(practitioners={}), "practitioners"),
        (lambda d: d.update(sources=["one"]), "sources"),
        (lambda d: d.update(version="1"), "home.version"),
        (
            lambda d: d["practitioners"][0]["practitioner"].update(name="Ben Muster"),
            "practitioners.anna.practitioner.name",
        ),
        (lambda d: d["practitioners"].append(d["practitioners"][0]), "practitioners.anna"),
    ],
)
async def test_a_wrong_value_is_named_and_nothing_changes(
    change: Callable[[Any], object], field: str
) -> None:
    fixture = Fixture()
    content = fixture.with_change(change)
    with pytest.raises(BadInput) as caught:
        fixture.transfer.preview(content)
    assert caught.value.field == field
    with pytest.raises(BadInput):
        await fixture.transfer.take(content)
    assert fixture.store.changes == 0


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", FileRefused),
        (b"\xff\xfe", FileRefused),
        (b"[]", FileRefused),
        (b'{"format": "something else"}', FileRefused),
        (b"[" * 100_000, FileRefused),
        (b" " * (LARGEST + 1), FileRefused),
        (b'{"format": "calendar-companion settings", "version": 99}', StoreTooNew),
    ],
    ids=range(7),
)
def test_other_files_are_refused_in_words(content: bytes, kind: type[CompanionError]) -> None:
    with pytest.raises(kind):
        Fixture().transfer.preview(content)


async def test_a_preview_changes_nothing_and_tells_the_same() -> None:
    fixture = Fixture()

    def change(document: Any) -> None:
        document["practice"]["name"] = "Somewhere Else"

    content = fixture.with_change(change)
    seen = fixture.transfer.preview(content)
    assert fixture.store.changes == 0
    assert await fixture.transfer.take(content) == seen


async def test_the_report_names_each_value_and_the_activity_that_it_was_done() -> None:
    fixture = Fixture()

    def change(document: Any) -> None:
        document["practice"]["name"] = "Wattle"
        document["practitioners"][0]["choices"]["days_in_advance"] = 30

    content = fixture.with_change(change)
    seen = [
        (each.whose, each.setting, each.before, each.after)
        for each in fixture.transfer.preview(content).differences
    ]
    assert seen == [
        ("", "Name", "Banksia", "Wattle"),
        ("Anna Example", "Days in advance", "90", "30"),
    ]
    assert fixture.activity.lines == []
    with acting_as("Alex"):
        await fixture.transfer.take(content)
    (line,) = fixture.activity.lines
    assert (line.text, line.cause) == (
        "Settings were taken over from a file: 1 practitioner changed, the practice changed.",
        "settings by Alex",
    )
    await fixture.transfer.take(content)
    assert len(fixture.activity.lines) == 1


async def test_a_webhook_stays_with_the_home_that_has_its_address() -> None:
    settings = here()
    hooked = replace(settings.practice.notices, webhook="hooks.clinic.example", desktop=False)
    fixture = Fixture(replace(settings, practice=replace(settings.practice, notices=hooked)))
    assert "hooks.clinic.example" not in fixture.transfer.export().decode()
    await fixture.transfer.take(
        fixture.with_change(
            lambda document: document["practice"]["notices"].update(
                webhook="elsewhere.example", desktop=True
            )
        )
    )
    notices = fixture.store.current.practice.notices
    assert (notices.webhook, notices.desktop) == ("hooks.clinic.example", True)
