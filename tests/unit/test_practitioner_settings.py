"""A practitioner's settings and the practice's: in words, and which of them count as shown anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.appointments import Practitioner
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem, KindChoice
from companion.domain.errors import BadInput
from companion.domain.opening_hours import Closure, Opening
from companion.domain.palette import PALETTE
from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings
from companion.services.settings import formatting as setting_words
from companion.services.settings.practitioners import Practitioners
from tests.fakes.practitioners import Fixture
from tests.fakes.settings import FakeSettings


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── settings in words ─────────────────────────────────────────────────────────────────────────


async def test_the_defaults_are_those_of_the_contract(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna", email="anna@example.com")
    assert fixture.people.values("anna") == {
        "enabled": "false",
        "days_in_arrears": "7",
        "days_in_advance": "60",
        "kinds": "client,casual,meeting,recurring",
        "include": "type,location",
        "client_name": "initials",
        "masked_types": "",
        "left_out_types": "",
        "busy_only": "false",
        "colour": "",
        "type_colours": "",
        "reminder": "calendar",
        "put_back_deleted": "true",
        "tidy_past": "false",
        "timezone": "Australia/Sydney",
        "email": "anna@example.com",
        "name": "Anna Lee",
        "display_colour": PALETTE[0],
        "display_order": "0",
    }


async def test_every_setting_can_be_set_and_is_shown_as_it_can_be_set_again(
    fixture: Fixture,
) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    wanted = {
        "enabled": "true",
        "days_in_arrears": "0",
        "days_in_advance": "730",
        "kinds": "client,meeting",
        "include": "",
        "client_name": "none",
        "masked_types": '"consult, long",counselling',
        "left_out_types": "admin",
        "busy_only": "true",
        "colour": "7",
        "type_colours": "initial=tomato,review=sage",
        "reminder": "1440",
        "put_back_deleted": "false",
        "tidy_past": "true",
        "timezone": "Australia/Perth",
        "email": "anna@example.com",
        "name": "Anna Brown",
        "display_colour": "#112233",
        "display_order": "3",
    }
    record = await fixture.people.set_values("anna", wanted)
    assert fixture.people.values("anna") == wanted
    assert record.choices.disclosure == Disclosure(
        kinds=frozenset({KindChoice.CLIENT, KindChoice.MEETING}),
        items=frozenset(),
        client_name=ClientName.NONE,
        masked_types=frozenset({"consult, long", "counselling"}),
        left_out_types=frozenset({"admin"}),
        busy_only=True,
    )


@pytest.mark.parametrize(
    ("key", "typed", "shown"),
    [
        ("Days-in-Arrears", " 14 ", "14"),
        ("enabled", "ON", "true"),
        ("enabled", "no", "false"),
        ("kinds", "all", "client,casual,meeting,recurring"),
        ("kinds", "Meeting, client,", "client,meeting"),
        ("include", "none", ""),
        ("include", "notes,type", "type,notes"),
        ("colour", "Peacock", "7"),
        ("colour", "", ""),
        ("masked_types", " Counselling ,COUNSELLING", "counselling"),
        ("email", "", ""),
    ],
)
async def test_a_person_s_spelling_is_understood(
    fixture: Fixture, key: str, typed: str, shown: str
) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.set_values("anna", {key: typed})
    assert fixture.people.values("anna")[key.casefold().replace("-", "_")] == shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enabled", "maybe"),
        ("days_in_arrears", "-1"),
        ("days_in_advance", "731"),
        ("days_in_advance", "12.5"),
        ("days_in_advance", "9" * 5000),
        ("kinds", ""),
        ("kinds", "none"),
        ("kinds", "client,patients"),
        ("include", "everything"),
        ("client_name", "surname"),
        ("client_name", ""),
        ("colour", "12"),
        ("display_colour", "red"),
        ("timezone", ""),
        ("name", ""),
        ("email", "a@b@c"),
        ("display_order", "-4"),
    ],
)
async def test_a_value_that_cannot_be_used_names_its_key_and_changes_nothing(
    fixture: Fixture, key: str, value: str
) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    before = fixture.settings.read()
    with pytest.raises(BadInput) as caught:
        await fixture.people.set_values("anna", {"tidy_past": "true", key: value})
    assert caught.value.field == key
    assert fixture.settings.read() == before


async def test_an_unknown_key_is_answered_with_the_nearest(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    with pytest.raises(BadInput) as caught:
        await fixture.people.set_values("anna", {"days_in_advence": "3"})
    assert "days_in_advance" in caught.value.remedy
    assert caught.value.field == "days_in_advence"


@given(
    st.builds(
        Disclosure,
        kinds=st.frozensets(st.sampled_from(KindChoice), min_size=1),
        items=st.frozensets(st.sampled_from(DisclosureItem)),
        client_name=st.sampled_from(ClientName),
        masked_types=st.frozensets(
            st.text("ab \",;'n", min_size=1, max_size=8)
            .map(lambda each: " ".join(each.split()))
            .filter(bool),
            max_size=4,
        )
        | st.just(frozenset({"none"})),
        busy_only=st.booleans(),
    )
)
def test_any_disclosure_survives_being_shown_and_set_again(disclosure: Disclosure) -> None:
    words = setting_words.PRACTITIONER
    fresh = settings_with_anna()
    chosen = replace(fresh, choices=replace(fresh.choices, disclosure=disclosure))
    again = setting_words.change(fresh, setting_words.show(chosen, words), words)
    assert again == chosen


def settings_with_anna() -> PractitionerSettings:
    return PractitionerSettings(practitioner=Practitioner(id="anna", name="Anna Lee"))


# ── what counts as shown anew ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("values", "raised"),
    [
        ({"client_name": "full"}, 1),
        ({"include": "type"}, 1),
        ({"kinds": "client"}, 1),
        ({"masked_types": "counselling"}, 1),
        ({"busy_only": "yes"}, 1),
        ({"timezone": "Australia/Perth"}, 1),
        ({"name": "Anna Brown"}, 1),
        ({"client_name": "full", "timezone": "Australia/Perth"}, 1),
        ({"client_name": "initials", "include": "location,type"}, 0),
        ({"days_in_advance": "90", "enabled": "true", "colour": "3", "email": "a@example.com"}, 0),
    ],
)
async def test_a_change_of_what_is_shown_raises_the_disclosure_revision(
    fixture: Fixture, values: dict[str, str], raised: int
) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    record = await fixture.people.set_values("anna", values)
    assert record.disclosure_revision == raised
    assert (record.disclosure_changed_at == fixture.clock.now()) == bool(raised)


async def test_the_time_of_a_disclosure_change_always_rises(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    first = await fixture.people.set_values("anna", {"client_name": "full"})
    fixture.clock.set(fixture.clock.now() - timedelta(days=1))
    second = await fixture.people.set_values("anna", {"client_name": "none"})
    assert second.disclosure_revision == 2
    assert second.disclosure_changed_at == first.disclosure_changed_at + timedelta(seconds=1)


async def test_a_new_cap_counts_as_shown_anew_for_everybody(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.add("Ben Young", id="ben")
    await fixture.people.set_practice({"cap_client_name": "initials", "name": "Harbour"})
    await fixture.people.set_practice({"hold_share": "0.5"})
    assert [fixture.record(each).disclosure_revision for each in ("anna", "ben")] == [1, 1]


# ── the practice ──────────────────────────────────────────────────────────────────────────────


async def test_the_practice_s_settings_can_be_set_and_are_shown_so(fixture: Fixture) -> None:
    wanted = {
        "name": "Harbour Physio",
        "timezone": "Australia/Hobart",
        "cap_include": "type,status",
        "cap_client_name": "first",
        "cap_masked_types": "counselling",
        "hold_share": "0.25",
        "import_hold_share": "0.1",
        "hold_at_least": "5",
        "stale_days": "1.5",
        "opening_days": "Monday,Saturday",
        "opening_hours": "08:30-17:00",
        "closed_on": "2026-12-25,2026-12-28..2027-01-01",
        "activity_days": "30",
        "idle_minutes": "20",
        "feeds_allowed": "false",
        "feed_host": "192.168.1.20",
        "feed_base_url": "https://cal.example.org/x",
        "feed_proxy": "127.0.0.1",
        "feed_certificate": "/etc/ssl/cal.pem",
        "feed_key": "/etc/ssl/cal.key",
        "feed_unused_days": "14",
        "user_rate": "5.0",
        "project_rate": "100.0",
        "notice_desktop": "false",
        "notice_mail": "true",
        "notice_mail_server": "mail.clinic.example",
        "notice_mail_port": "465",
        "notice_mail_security": "tls",
        "notice_mail_login": "office",
        "notice_mail_from": "office@clinic.example",
        "notice_administrators": "alex@clinic.example,it@clinic.example",
        "notice_reception": "desk@clinic.example",
        "notice_practitioners": "false",
        "notice_quiet": "18:30-06:00",
        "notice_behind_hours": "2.5",
        "notice_backup_days": "3",
    }
    practice = await fixture.people.set_practice(wanted)
    assert fixture.people.practice_values() == wanted
    assert practice.stale_days == 1.5
    assert practice.opening == Opening(
        days=frozenset({0, 5}),
        opens=time(8, 30),
        closes=time(17),
        closures=(
            Closure(first=date(2026, 12, 25), last=date(2026, 12, 25)),
            Closure(first=date(2026, 12, 28), last=date(2027, 1, 1)),
        ),
    )
    assert practice.activity_kept == timedelta(days=30)


async def test_the_defaults_of_the_practice_can_be_set_again(fixture: Fixture) -> None:
    assert await fixture.people.set_practice(fixture.people.practice_values()) == PracticeSettings()


async def test_days_and_hours_are_read_as_people_write_them(fixture: Fixture) -> None:
    practice = await fixture.people.set_practice(
        {"opening_days": "mon, Tues, fri", "opening_hours": "8:30 – 17:00", "stale_days": "Never"}
    )
    assert practice.opening.days == {0, 1, 4}
    assert (practice.opening.opens, practice.opening.closes) == (time(8, 30), time(17))
    assert practice.stale_days is None
    practice = await fixture.people.set_practice(
        {"opening_days": "automatic", "opening_hours": "automatic", "stale_days": "1"}
    )
    assert practice == PracticeSettings()


async def test_a_share_may_be_given_in_per_cent(fixture: Fixture) -> None:
    assert (await fixture.people.set_practice({"hold_share": "20%"})).hold_share == 0.2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hold_share", "1.5"),
        ("hold_share", "nan"),
        ("hold_share", "half"),
        ("hold_at_least", "-1"),
        ("stale_days", "0"),
        ("stale_days", "nan"),
        ("stale_days", "soon"),
        ("opening_days", "Monday,Funday"),
        ("opening_days", "M"),
        ("opening_days", "none"),
        ("opening_hours", "8"),
        ("opening_hours", "18:00-08:00"),
        ("opening_hours", "25:00-26:00"),
        ("closed_on", "Christmas"),
        ("closed_on", "2026-12-28..2026-12-01"),
        ("closed_on", "2026-12-25,2026-12-24..2027-01-01"),
        ("closed_on", "2026-12-25..2062-12-25"),
        ("activity_days", "inf"),
        ("feed_host", "http://x"),
        ("feed_base_url", "ftp://cal.example.org"),
        ("feed_proxy", "cal.example.org"),
        ("feed_base_url", "https://user:pass@cal.example.org"),
        ("feed_base_url", "https://cal.example.org/?token=1"),
        ("feed_base_url", "https://cal.example.org:99999"),
        ("user_rate", "0"),
        ("cap_client_name", "everything"),
    ],
)
async def test_a_practice_setting_that_cannot_be_used_names_its_key(
    fixture: Fixture, key: str, value: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.people.set_practice({key: value})
    assert caught.value.field == key
    assert fixture.settings.changes == 0


async def test_two_windows_changing_at_once_both_count(fixture: Fixture) -> None:
    """`change` may run an edit again on newer settings; the edit must not remember the old."""
    await fixture.people.add("Anna Lee", id="anna")

    class Contended(FakeSettings):
        async def change(self, edit: Callable[[Settings], Settings]) -> Settings:
            edit(self.current)
            self.current = replace(self.current, practice=PracticeSettings(name="Harbour"))
            return await super().change(edit)

    contended = Contended(fixture.settings.read())
    people = Practitioners(settings=contended, book=fixture.book, clock=fixture.clock)
    record = await people.set_values("anna", {"client_name": "full"})
    assert contended.read().practice.name == "Harbour"
    assert record.disclosure_revision == 1
