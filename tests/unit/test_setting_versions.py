"""Settings of earlier versions, and that a new setting raises the version."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from companion.adapters.settings import pack
from companion.domain.calendar_writers import MARK, CalendarWriter
from companion.domain.errors import BadInput, StoreTooNew
from companion.domain.expectations import Expected
from companion.domain.opening_hours import Opening
from companion.domain.settings import CalendarCreation, RemoteSettings
from companion.services.settings.documents import VERSION, from_tables, migrate, to_tables
from tests.fakes.any_settings import sample


def test_a_newer_version_is_refused_before_anything_else_is_looked_at() -> None:
    with pytest.raises(StoreTooNew):
        from_tables({"home": [{"version": VERSION + 1, "shape": "unknown"}], "rooms": [{}]})


def test_migrations_run_in_order_up_to_our_version() -> None:
    def second(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        return {**tables, "practice": [{"title": tables["practice"][0]["name"]}]}

    def third(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        return {**tables, "practice": [{"name": tables["practice"][0]["title"].upper()}]}

    old: dict[str, list[dict[str, Any]]] = {
        "home": [{"version": 1}],
        "practice": [{"name": "harbour"}],
    }
    new = migrate(old, {1: second, 2: third}, 3)
    assert new == {"home": [{"version": 3}], "practice": [{"name": "HARBOUR"}]}


def test_a_file_of_before_availability_is_read_as_nothing_said() -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 1
    del tables["practitioners"][0]["availability"]
    assert from_tables(tables).practitioners["anna-lee"].availability == ()


def test_the_mark_of_a_calendar_under_creation_is_taken_over_from_version_5() -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 5
    link = tables["practitioners"][0]["google"]
    del link["creations"]
    link["creating"] = "companion-2"
    read = from_tables(tables).practitioners["anna-lee"].google
    assert read.creations == (CalendarCreation(mark="companion-2"),)


@pytest.mark.parametrize(("host", "folder"), [("calendar.example", ""), ("", "C:\\exports")])
def test_a_link_of_version_13_is_a_place_that_is_fetched(host: str, folder: str) -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 13
    source = tables["sources"][0]
    del source["remote"]
    source |= {"link_host": host, "every": 3600.0, "folder": folder}
    read = from_tables(tables).sources["bp"]
    link = RemoteSettings(kind="link", place=host, every=timedelta(hours=1))
    assert (read.remote, read.folder) == (link if host else None, folder)


@pytest.mark.parametrize(
    ("calendar_id", "marks"), [("a@calendar", ("0123456789abcdef",)), ("", (MARK,))]
)
def test_events_of_version_9_keep_the_mark_of_their_installation(
    calendar_id: str, marks: tuple[str, ...]
) -> None:
    tables = to_tables(sample())
    tables["home"][0] = {"version": 9, "install_id": "0123456789abcdef"}
    link = tables["practitioners"][0]["google"]
    del link["marks"], link["term"], link["made_by"]
    link["calendar_id"] = calendar_id
    read = from_tables(tables)
    link = read.practitioners["anna-lee"].google
    assert read.writer_for(link) == CalendarWriter(id="0123456789abcdef", marks=marks)


@pytest.mark.parametrize(
    ("hours", "days"), [(24, 1.0), (36, 1.5), (1, 0.1), (8760, 365.0), (24 * 3660, 365.0)]
)
def test_hours_until_the_notice_become_opening_days_from_version_6(hours: int, days: float) -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 6
    practice = tables["practice"][0]
    del practice["opening"], practice["stale_days"], tables["sources"][0]["expected"]
    practice["stale_after"] = float(hours * 3600)
    read = from_tables(tables)
    assert read.practice.stale_days == days
    assert read.practice.opening == Opening()
    assert read.sources["bp"].expected is Expected.AUTOMATIC


@pytest.mark.parametrize(
    ("key", "value"),
    [("start", "8:30"), ("start", "08:30:15"), ("start", "18:00"), ("weekday", 7), ("end", 17)],
)
def test_working_hours_that_cannot_be_are_refused_by_name(key: str, value: object) -> None:
    tables = to_tables(sample())
    tables["practitioners"][0]["availability"][0][key] = value
    with pytest.raises(BadInput) as caught:
        from_tables(tables)
    assert caught.value.field.startswith("practitioners.anna-lee.availability")


def test_adding_a_setting_raises_the_version() -> None:
    """Whoever changes this list raises VERSION (and adds a migration where a key changed its
    meaning), or an older program would refuse the file with a worse sentence."""
    assert VERSION == 17
    assert keys_of(to_tables(sample())) == {
        path: set(keys.split()) for path, keys in KEYS_OF_VERSION_17.items()
    }


def keys_of(value: dict[str, Any], path: str = "") -> dict[str, set[str]]:
    found = {path: set(value)}
    for key, inner in value.items():
        below = inner[0] if isinstance(inner, list) and inner else inner
        if isinstance(below, dict):
            found |= keys_of(below, f"{path}.{key}".strip("."))
    return found


KEYS_OF_VERSION_17 = {
    "": "home practice practitioners sources users",
    "home": "version install_id restored_as paused_until backups",
    "home.backups": "folder at other_disk sign_ins",
    "practice": "name timezone cap hold_share hold_at_least import_hold_share opening "
    "stale_days activity_kept idle_sign_out feeds_allowed feed_host feed_base_url feed_proxy "
    "feed_certificate feed_key feed_unused_after user_rate project_rate notices",
    "practice.cap": "items client_name masked_types",
    "practice.opening": "days opens closes closures",
    "practice.opening.closures": "first last",
    "practice.notices": "desktop mail server administrators reception practitioners quiet_from "
    "quiet_to webhook behind_hours backup_days",
    "practice.notices.server": "host port security login sender",
    "practitioners": "practitioner google choices disclosure_revision disclosure_changed_at "
    "availability setup",
    "practitioners.availability": "weekday start end location",
    "practitioners.practitioner": "id name email timezone colour display_order aliases",
    "practitioners.google": "login account calendar_id calendar_name created_by_us "
    "calendar_account scopes "
    "connected_at ends_at delegated creations made_by marks term",
    "practitioners.google.creations": "mark account begun_at calendar_id throwaway",
    "practitioners.choices": "enabled days_in_arrears days_in_advance disclosure colour "
    "type_colours reminder put_back_deleted tidy_past",
    "practitioners.choices.type_colours": "",
    "practitioners.choices.disclosure": "kinds items client_name masked_types left_out_types "
    "busy_only",
    "sources": "name mapping snapshot folder workstation remote guesses leave_files expected "
    "answers columns statuses",
    "sources.remote": "kind place fields every",
    "sources.remote.fields": "contact",
    "sources.answers": "status:DNA",
    "sources.columns": "",
    "sources.statuses": "",
    "users": "id name role practitioner_id password epoch must_change",
}


def test_the_file_is_plain_json_a_person_can_read() -> None:
    packed = pack({"practice": {"1": {"name": "Zahnärzte am Hafen"}}})
    assert json.loads(packed)["tables"]["practice"]["1"]["name"] == "Zahnärzte am Hafen"
    assert "Zahnärzte".encode() in packed
