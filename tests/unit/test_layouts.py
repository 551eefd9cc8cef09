"""Layouts that are recognised, and those a person writes down."""

from datetime import timedelta

import pytest

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.domain.errors import BadInput
from companion.services.imports.layouts import FIELDS, looks_like_data, recognise
from companion.services.imports.mappings import bind_mapping
from companion.services.imports.moments import DateOrder
from tests.samples.exports import ALLIED, PREMIER

HEADERS = ("Nr", "Begins", "Finishes", "Who sees", "State", "Sort")
MAPPING = """
source = "house"
date_order = "mdy"
timezone = "Australia/Perth"
snapshot = true
[columns]
id = "Nr"
start = "Begins"
end = "Finishes"
practitioner = "Who sees"
cancelled = "State"
kind = "sort"
[values]
cancelled = ["DNA", "Cancelled"]
kind.client = ["Consult"]
kind.meeting = ["Team", "Huddle"]
show_as.out_of_office = ["Away"]
[defaults]
kind = "casual"
location = "Main street"
length = "0:30"
[practitioners]
"A. Example" = "Dr Ada Example"
"""


def test_the_sample_layouts_are_recognised_by_their_headers() -> None:
    allied, premier = recognise(ALLIED), recognise(PREMIER)
    assert allied is not None
    assert (allied.source, len(allied.columns)) == ("bp-allied", len(ALLIED))
    assert premier is not None
    assert (premier.source, len(premier.columns)) == ("bp-premier", len(PREMIER))


def test_case_spaces_and_order_of_the_headers_do_not_matter() -> None:
    layout = recognise(["practitioner", " START ", "End", "appointmentid", "TYPE", "all_day"])
    assert layout is not None
    assert layout.columns == {
        "practitioner": 0, "start": 1, "end": 2, "id": 3, "kind": 4, "all_day": 5,
    }  # fmt: skip


def test_the_premier_style_has_friendly_headers_too() -> None:
    layout = recognise(["Appointment date", "Appointment time", "Length (mins)", "Provider"])
    assert layout is not None
    assert layout.source == "bp-premier"


def test_the_name_of_a_provider_is_preferred_to_their_number() -> None:
    layout = recognise([*PREMIER, "Provider"])
    assert layout is not None
    assert layout.titles["practitioner"] == "Provider"


def test_other_headers_are_not_recognised() -> None:
    assert recognise(HEADERS) is None
    assert recognise(()) is None


def test_a_row_of_data_is_told_from_headers() -> None:
    assert looks_like_data(["Ottoline", "Vane", "1/3/2026 9:00"])
    assert looks_like_data(["1001", "Client"])
    assert not looks_like_data(ALLIED)
    assert not looks_like_data(HEADERS)


def test_a_mapping_says_everything_a_layout_can() -> None:
    layout = bind_mapping(MAPPING, HEADERS)
    assert layout.source == "house"
    assert layout.columns == {
        "id": 0, "start": 1, "end": 2, "practitioner": 3, "cancelled": 4, "kind": 5,
    }  # fmt: skip
    assert layout.titles["kind"] == "Sort"
    assert layout.date_order is DateOrder.MDY
    assert layout.timezone == "Australia/Perth"
    assert layout.snapshot is True
    assert layout.words.cancelled == frozenset({"dna", "cancelled"})
    assert layout.words.kinds["huddle"] is AppointmentKind.MEETING
    assert layout.words.kinds["client"] is AppointmentKind.CLIENT
    assert layout.words.show_as["away"] is ShowAs.OUT_OF_OFFICE
    assert layout.fallbacks.kind is AppointmentKind.CASUAL
    assert layout.fallbacks.length == timedelta(minutes=30)
    assert layout.practitioners == {"a. example": "Dr Ada Example"}


def test_columns_may_be_written_the_other_way_round() -> None:
    text = '[columns]\nBegins = "start"\nFinishes = "end"\n"Who sees" = "practitioner"'
    assert bind_mapping(text, HEADERS).columns == {"start": 1, "end": 2, "practitioner": 3}


def test_a_mapping_without_a_source_gets_a_lasting_one_of_its_own() -> None:
    text = '[columns]\nstart = "Begins"\nend = "Finishes"\npractitioner = "Who sees"'
    name = bind_mapping(text, HEADERS).source
    assert name.startswith("import-")
    assert bind_mapping(text + "\n", tuple(reversed(HEADERS))).source == name
    assert bind_mapping(text.replace("Finishes", "Nr"), HEADERS).source != name


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('"Begins"', '"Beginns"', "columns.start"),
        ('id = "Nr"', 'idd = "Nr"', "columns.idd"),
        ('id = "Nr"', "id = 7", "columns.id"),
        ('start = "Begins"', "", "columns.start"),
        ('end = "Finishes"', "", "columns.end"),
        ('practitioner = "Who sees"', "", "columns.practitioner"),
        ('"mdy"', '"american"', "date_order"),
        ('"Australia/Perth"', '"Perth"', "timezone"),
        ('"Australia/Perth"', '"../etc/passwd"', "timezone"),
        ("snapshot = true", 'snapshot = "yes"', "snapshot"),
        ("snapshot = true", "snapshots = true", "snapshots"),
        ("kind.client", "kind.patient", "values.kind.patient"),
        ('["DNA", "Cancelled"]', "[[1]]", "values.cancelled"),
        ('kind = "casual"', 'kind = "walk-in"', "defaults.kind"),
        ('length = "0:30"', 'length = "soon"', "defaults.length"),
        ('= "Dr Ada Example"', '= ""', "practitioners.a. example"),
        ("[columns]", "columns = 1\n[other]", "other"),
        ("[values]", "[valeus]", "valeus"),
    ],
)
def test_a_mistake_in_a_mapping_names_its_key(before: str, after: str, key: str) -> None:
    assert before in MAPPING
    text = MAPPING.replace('length = "0:30"\n', "") if key == "columns.end" else MAPPING
    with pytest.raises(BadInput) as refused:
        bind_mapping(text.replace(before, after), HEADERS)
    assert refused.value.field == key
    assert key in refused.value.what


@pytest.mark.parametrize("text", ["columns", "[columns", "a = {", "x" * 300_000])
def test_what_is_no_toml_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        bind_mapping(text, HEADERS)
    assert refused.value.field == "mapping"


def test_a_near_miss_is_proposed() -> None:
    with pytest.raises(BadInput, match="did you mean “Begins”"):
        bind_mapping(MAPPING.replace('"Begins"', '"Begin"'), HEADERS)


def test_every_field_may_be_mapped() -> None:
    headers = tuple(f"Column {name}" for name in FIELDS)
    lines = [f'{name} = "Column {name}"' for name in FIELDS]
    assert bind_mapping("\n".join(["[columns]", *lines]), headers).columns.keys() == FIELDS.keys()
