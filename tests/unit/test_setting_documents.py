"""The settings as documents: nothing is lost, and a bad value is named."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from companion.adapters.settings import pack, unpack
from companion.domain.errors import BadInput
from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings, SyncChoices
from companion.services.settings.documents import checked, from_tables, to_tables
from tests.fakes.any_settings import everything, sample


@given(everything)
def test_any_settings_read_back_as_they_were_written(settings: Settings) -> None:
    tables = to_tables(settings)
    through_the_file = unpack(pack({name: {"rows": rows} for name, rows in tables.items()}))
    assert through_the_file is not None
    again = from_tables({name: table["rows"] for name, table in through_the_file.items()})
    assert again == settings
    assert list(again.practitioners) == list(settings.practitioners)


def test_every_field_of_a_record_is_written() -> None:
    tables = to_tables(sample())
    assert set(tables["practice"][0]) == {each.name for each in fields(PracticeSettings)}
    person = tables["practitioners"][0]
    assert set(person) == {each.name for each in fields(PractitionerSettings)}
    assert set(person["choices"]) == {each.name for each in fields(SyncChoices)}


def test_a_field_that_an_older_file_lacks_takes_its_default() -> None:
    tables = to_tables(sample())
    del tables["practitioners"][0]["choices"]["tidy_past"]
    del tables["practice"][0]["cap"]
    assert from_tables(tables) == sample()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("practitioners", 0, "choices", "days_in_arrears"), 731, "days_in_arrears"),
        (("practitioners", 0, "choices", "days_in_arrears"), "7", "days_in_arrears"),
        (("practitioners", 0, "choices", "days_in_arrears"), True, "days_in_arrears"),
        (("practitioners", 0, "choices", "days_in_arrears"), 7.5, "days_in_arrears"),
        (("practitioners", 0, "choices", "enabled"), 1, "enabled"),
        (("practitioners", 0, "choices", "colour"), "mauve", "colour"),
        (("practitioners", 0, "choices", "disclosure"), [], "disclosure"),
        (("practitioners", 0, "choices", "disclosure", "kinds"), [], "kinds"),
        (("practitioners", 0, "choices", "disclosure", "kinds"), ["nobody"], "kinds[0]"),
        (("practitioners", 0, "choices", "disclosure", "items"), "type", "items"),
        (("practitioners", 0, "choices", "disclosure", "client_name"), "all", "client_name"),
        (("practitioners", 0, "practitioner", "timezone"), "Sydney", "timezone"),
        (("practitioners", 0, "practitioner", "name"), "", "name"),
        (("practitioners", 0, "practitioner", "name"), None, "name"),
        (("practitioners", 0, "practitioner", "id"), "Anna Lee", "id"),
        (("practitioners", 0, "disclosure_changed_at"), "yesterday", "disclosure_changed_at"),
        (("practitioners", 0, "disclosure_changed_at"), "2026-01-01", "disclosure_changed_at"),
        (("practice", 0, "hold_share"), float("nan"), "hold_share"),
        (("practice", 0, "hold_share"), 30, "hold_share"),
        (("practice", 0, "stale_days"), 1e300, "stale_days"),
        (("practice", 0, "stale_days"), 0, "stale_days"),
        (("practice", 0, "opening", "days"), [7], "opening"),
        (("practice", 0, "opening", "opens"), "08:00", "opening"),
        (
            ("practice", 0, "opening", "closures"),
            [{"first": "2026-02-30", "last": "2026-03-01"}],
            "closures[0].first",
        ),
        (
            ("practice", 0, "opening", "closures"),
            [{"first": "2026-03-02", "last": "2026-03-01"}],
            "opening",
        ),
        (("sources", 0, "expected"), "hourly", "expected"),
        (("practice", 0, "feed_base_url"), "javascript:alert(1)", "feed_base_url"),
        (("practice", 0, "colour_of_the_door"), "red", "practice.colour_of_the_door"),
        (("home", 0, "install_id"), "", "home.install_id"),
        (("home", 0, "version"), "1", "home.version"),
        (("home", 0, "owner"), "x", "home.owner"),
        (("guests",), [], "guests"),
        (("practice",), [], "practice"),
    ],
)
def test_a_bad_value_is_named_by_its_path(path: tuple[Any, ...], value: object, named: str) -> None:
    tables: Any = to_tables(sample())
    place = tables
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(BadInput) as caught:
        from_tables(tables)
    assert caught.value.field.endswith(named)


def test_a_missing_necessary_value_is_named() -> None:
    tables = to_tables(sample())
    del tables["practitioners"][0]["practitioner"]["name"]
    with pytest.raises(BadInput) as caught:
        from_tables(tables)
    assert caught.value.field == "practitioners.anna-lee.practitioner.name"


def test_a_practitioner_who_is_there_twice_is_refused() -> None:
    tables = to_tables(sample())
    tables["practitioners"].append(tables["practitioners"][0])
    with pytest.raises(BadInput, match="twice"):
        from_tables(tables)


def test_what_would_not_read_back_is_never_written() -> None:
    naive = replace(
        sample().practitioners["anna-lee"],
        disclosure_changed_at=datetime(2026, 3, 2, 9, 30, 15),  # noqa: DTZ001 - the mistake itself
    )
    with pytest.raises(BadInput):
        checked(sample().with_practitioner(naive))
