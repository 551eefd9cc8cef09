"""Names planted in every text of an appointment, in every form: none is to be found again."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.client_names import NOBODY
from companion.domain.client_naming import name_as_shown
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.domain.events import project
from companion.domain.person_names import PersonName
from companion.domain.redaction import Redactor
from tests.fakes.appointments import WINDOW, appointment
from tests.fakes.names import (
    CONTACTS,
    ELSEWHERE,
    FRAMES,
    ORDINARY,
    PLAIN,
    forms_of_anybody,
    forms_of_own,
    leaked,
)

EVERYBODY = NOBODY.with_names([*PLAIN, *ORDINARY])
HIDING = (ClientName.NONE, ClientName.ID, ClientName.INITIALS, ClientName.FIRST)
FIELDS = ("notes", "title", "appointment_type", "location")


def named(first: str = "", last: str = "", **texts: Any) -> Appointment:
    return appointment(client_first_name=first, client_last_name=last, **texts)


def shown(one: Appointment, mode: ClientName) -> str:
    everything = Disclosure(items=frozenset(DisclosureItem), client_name=mode)
    events = project([one], WINDOW, everything, names=EVERYBODY)
    return "\n".join(f"{e.summary}\n{e.location}\n{e.description}" for e in events)


@pytest.mark.parametrize("mode", HIDING)
@pytest.mark.parametrize("kind", AppointmentKind)
@pytest.mark.parametrize("field", FIELDS)
def test_no_form_of_the_own_client_is_found_again(
    mode: ClientName, kind: AppointmentKind, field: str
) -> None:
    found = []
    frames = cycle(FRAMES)
    for first, last in PLAIN:
        forms = [*forms_of_own(first, last), *ELSEWHERE.get(last, ()), *ELSEWHERE.get(first, ())]
        for form in forms:
            planted = {field: next(frames).format(form)}
            text = shown(replace(named(first, last, **planted), kind=kind), mode)
            if mode is ClientName.FIRST:
                text = text.replace(first, "")
            if leaked(text, first, last, mode):
                found.append((form, text))
    assert found == []


@pytest.mark.parametrize("mode", HIDING)
@pytest.mark.parametrize("kind", AppointmentKind)
@pytest.mark.parametrize("field", FIELDS)
def test_no_form_of_any_other_client_is_found_again(
    mode: ClientName, kind: AppointmentKind, field: str
) -> None:
    found = []
    frames = cycle(FRAMES)
    for first, last in [*PLAIN, *ORDINARY]:
        for form in forms_of_anybody(first, last):
            planted = {field: next(frames).format(form)}
            text = shown(replace(named("Jo", "Abel", **planted), kind=kind), mode)
            if leaked(text, first, last, mode):
                found.append((form, text))
    assert found == []


@pytest.mark.parametrize("mode", HIDING)
@pytest.mark.parametrize("field", ["appointment_type", "location"])
def test_what_one_client_s_type_or_place_says_is_hidden_in_another_s_as_well(
    mode: ClientName, field: str
) -> None:
    """Texts that many appointments share are looked through once."""
    everything = Disclosure(items=frozenset(DisclosureItem), client_name=mode)
    text = "Home of Priya Raghunathan"
    own, other = (
        replace(named(first, last, **{field: text}), id=first)
        for first, last in (("Priya", "Raghunathan"), ("Jo", "Abel"))
    )
    for both in ([own, other], [other, own]):
        events = project(both, WINDOW, everything, names=EVERYBODY)
        assert [e for e in events if leaked(repr(e), "", "Raghunathan", mode)] == []


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("field", FIELDS)
def test_no_telephone_number_or_address_of_anybody_is_found_again(contact: str, field: str) -> None:
    one = replace(
        named("Jo", "Abel", **{field: f"call {contact} first"}), kind=AppointmentKind.MEETING
    )
    text = shown(one, ClientName.INITIALS)
    assert contact not in text
    assert "call" in text or field == "appointment_type"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hand therapy for May Kowalczyk", "hand therapy for …"),
        ("Long walk; Mr Long rang", "Long walk; Mr … rang"),
        ("Asked Hand about the long splint", "Asked … about the long splint"),
        ("Hand called to cancel, may be late", "… called to cancel, may be late"),
        ("The Whites park in White Street", "The … park in White Street"),
        ("T. Park may park here", "T. … may park here"),
        ("rest hand M. today", "rest hand M. today"),
        ("in May, on 3 May, ask May", "in May, on 3 May, ask …"),
        ("Case conference Zebediah Q.", "Case conference …"),
        ("scan rose_young.pdf, young-rose or rose/young", "scan …_….pdf, young-rose or rose/young"),
        ("Young T.H., Kowalczyk J.T. rang", "… rang"),
        ("the Hands rang, hands warm, the hands too", "the … rang, hands warm, the hands too"),
    ],
)
def test_an_ordinary_word_is_taken_out_where_it_stands_for_a_person(text: str, kept: str) -> None:
    assert Redactor(PersonName(), names=EVERYBODY)(text) == kept


@pytest.mark.parametrize(
    ("practitioner", "text", "kept"),
    [
        ("Dr Ada Young", "Seen by Dr Young, then Dr. Young", "Seen by Dr Young, then Dr. Young"),
        ("Dr Ada Young", "Ada Young asked Mrs Young", "Ada Young asked Mrs …"),
        ("Ada Young", "Dr Young or Ada Young's room", "Dr … or Ada Young's room"),
        ("Dr Fiona McDonald", "see Dr McDonald", "see Dr McDonald"),
        ("Dr Ada McDonald", "Ada McDonald, Fiona McDonald", "Ada McDonald, …"),
        ("Fiona McDonald", "see Fiona McDonald", "see …"),
        ("Dr Young", "Dr Young saw Rose Young", "Dr Young saw …"),
        ("Young", "Mr Young", "Mr …"),
        ("", "Dr Young", "Dr …"),
    ],
)
def test_the_practitioner_is_no_client_though_one_bears_the_same_name(
    practitioner: str, text: str, kept: str
) -> None:
    redact = Redactor(PersonName(("Jo",), ("Abel",)), names=EVERYBODY, practitioner=practitioner)
    assert redact(text) == kept
    own = Redactor(PersonName(("Rose",), ("Young",)), practitioner="Dr Ada Young")
    assert own("Dr Young told Ada Young") == "Dr … told Ada …"


@pytest.mark.parametrize(
    ("first", "last", "given", "initials"),
    [
        ("Jane Smith (DVA)", "", "Jane", "JS"),
        ("Jane Smith Jr", "", "Jane", "JS"),
        ("Jane Smith - EPC", "", "Jane", "JS"),
        ("Jane", "Smith - EPC", "Jane", "JS"),
        ("Jane Smith", "(DVA)", "Jane", "JS"),
        ("Maria van der Berg", "", "Maria", "MVDB"),
        ("Maria van der", "Berg", "Maria", "MVDB"),
        ("Mrs Jane", "Smith", "Jane", "JS"),
        ("Mrs", "Smith", "", "S"),
        ("Jane [File 1001]", "Smith", "Jane", "JS"),
        ("Smith, Jane", "", "Jane", "JS"),
        ("SMITH Jane", "", "Jane", "JS"),
        ("Mary Ann", "Smith", "Mary Ann", "MAS"),
        ("", "van der Berg", "", "VDB"),
        ("jane@example.com", "", "", ""),
        ("王小明", "", "", ""),
    ],
)
def test_what_practices_write_beside_a_name_is_no_part_of_it(
    first: str, last: str, given: str, initials: str
) -> None:
    one = named(first, last)
    assert name_as_shown(one, ClientName.FIRST) == given
    assert name_as_shown(one, ClientName.INITIALS) == initials


@pytest.mark.parametrize(
    ("client_id", "number"),
    [
        ("1042", "Client 1042"), ("c-9", "Client c-9"), ("MRN 77", "Client MRN 77"),
        ("SMI0012", ""), ("JS1001", ""), ("Jane Smith", ""), ("jane@example.com", ""),
        ("smith12", ""), ("", ""), ("0412345678", ""), ("0412 345 678", ""), ("007", "Client 007"),
        ("98765432", "Client 98765432"),
    ],
)  # fmt: skip
def test_a_client_number_that_is_a_name_is_not_shown(client_id: str, number: str) -> None:
    one = replace(named("Jane", "Smith"), client_id=client_id)
    assert name_as_shown(one, ClientName.ID) == number


def test_letters_that_other_keyboards_lack_are_written_with_theirs() -> None:
    names = NOBODY.with_names([("Þóra", "Guðmundsdóttir"), ("Əli", "Ħamd")])
    text = "Thora Gudmundsdottir, gudmundsdottir, Hamd"
    assert Redactor(PersonName(), names=names)(text) == "…"
    own = Redactor(PersonName(("Þóra",), ("Guðmundsdóttir",)))
    assert own("thora.gudmundsdottir came") == "… came"


def test_names_only_come_and_are_all_known() -> None:
    more = EVERYBODY.with_names([("Quentin", "Abernathy")])
    assert more is more.with_names([("Quentin", "Abernathy")])
    assert len(more) == len(EVERYBODY) + 1
    redact = Redactor(PersonName(), names=more)
    assert redact("Abernathy met Quillfeather") == "… met …"
    assert Redactor(PersonName(), names=EVERYBODY)("Abernathy") == "Abernathy"
