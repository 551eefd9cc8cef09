"""Layouts that are recognised, and those a person writes down."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.domain.errors import BadInput
from companion.services.imports.layouts import FIELDS
from companion.services.imports.layouts.software import built_in, candidates, software_of
from companion.services.imports.lengths import LengthUnit
from companion.services.imports.mappings import bind_mapping, headings_of_mapping, mapping_of
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


def surest(headings: Sequence[str]) -> str:
    found = candidates(headings)
    return found[0].source if found else ""


def test_the_sample_layouts_are_recognised_by_their_headings() -> None:
    assert (surest(ALLIED), surest(PREMIER)) == ("bp-allied", "bp-premier")


def test_case_spaces_and_order_of_the_headings_do_not_matter() -> None:
    headings = ["practitioner", " START ", "End", "appointmentid", "TYPE", "all_day"]
    assert surest(headings) == "bp-allied"


def test_the_premier_style_has_friendly_headings_too() -> None:
    headings = ["Appointment date", "Appointment time", "Length (mins)", "Provider"]
    assert surest(headings) == "bp-premier"


def test_other_headings_are_not_recognised() -> None:
    assert candidates(HEADERS) == []
    assert candidates(()) == []


def test_every_layout_names_fields_that_there_are_and_a_source_of_its_own() -> None:
    layouts = built_in()
    assert len(layouts) >= 22
    for each in layouts:
        assert each.required
        assert {"start", "date"} & each.columns.keys() or each.name in {
            "Halaxy",
            "coreplus",
            "PPMP",
            "WriteUpp",
        }
        assert not each.cancelled & each.booked, each.name


def test_a_practices_own_layout_comes_before_the_built_in_ones() -> None:
    own = software_of(
        'name = "Ours"\nsource = "ours"\nheadings = ["Start"]\n'
        '[columns]\nstart = ["Start"]\n[statuses]\ncancelled = ["7"]\n'
    )
    assert candidates(ALLIED, [own])[0] is own
    assert own.cancelled == {"7"}


@pytest.mark.parametrize(
    "text", ["name", 'name = "x"\n[columns]\nbegin = ["Start"]', 'name = "x"', "[reading]\na = 1"]
)
def test_a_layout_that_cannot_be_read_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="The layout ours"):
        software_of(text, "ours.toml")


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


def test_a_field_may_have_several_columns_and_lengths_a_unit() -> None:
    text = (
        'length_unit = "hours"\nall_day_end = "exclusive"\n[columns]\nstart = "Begins"\n'
        'end = "Finishes"\npractitioner = "Who sees"\ncancelled = ["State", "Sort"]\n'
        '[values]\nbooked = ["Moved"]\n'
    )
    layout = bind_mapping(text, HEADERS)
    assert (layout.columns["cancelled"], layout.cancelling) == (4, (4, 5))
    assert (layout.length_unit, layout.all_day_end) == (LengthUnit.HOURS, "exclusive")
    assert layout.words.booked == {"moved"}
    assert headings_of_mapping(text) == {"begins", "finishes", "whosees", "state", "sort"}


def test_a_mapping_written_from_a_layout_reads_the_same_again() -> None:
    layout = bind_mapping(MAPPING.replace('cancelled = "State"', 'status = "State"'), HEADERS)
    again = bind_mapping(mapping_of(layout, HEADERS), HEADERS)
    assert (again.columns, again.date_order, again.timezone, again.source) == (
        layout.columns,
        layout.date_order,
        layout.timezone,
        layout.source,
    )


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
