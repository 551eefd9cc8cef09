"""No name that a disclosure hides appears in any text that leaves the book.

Names and free text come in many scripts and spellings. The oracle compares skeletons: without
case, accents, invisible characters and width, so that a name counts as shown however it is spelt.
Filler words are chosen so that none of them holds a name by chance.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.disclosure import (
    ClientName,
    Disclosure,
    DisclosureCap,
    DisclosureItem,
    KindChoice,
)
from companion.domain.events import CalendarEvent, project
from companion.domain.wording import BUSY
from tests.fakes.appointments import START, WINDOW, appointment, meeting

FIRST_NAMES = [
    "Anneliese", "Zoë", "Mary-Kate", "José María", "D’Arcy", "İpek", "Ngọc Ánh", "小明", "민준",
    "محمد", "\u200fשרה", "Дмитрий", "Αλέξανδρος", "अनुराधा", "สมชาย", "Ōta", "ＫＥＩＫＯ", "Jo",
    "",
]  # fmt: skip
LAST_NAMES = [
    "Strauß", "O'Brien", "Smith-Jones", "van der Berg", "Nguyễn", "Smith\u2013Wu", "王", "김",
    "العلي", "כהן\u200e", "Иванов", "Παπαδόπουλος", "कुमार", "ใจดี", "Müller", "Ægir", "",
]  # fmt: skip
FILLER = ["ph 0412", "x-ray", "q3", "12/7", "…", "<b>", "#", "5 x 5", "wk 2"]


def skeleton(text: str) -> str:
    """What a reader takes it for: no case, accent, width, vowel sign or invisible character."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    apart = unicodedata.normalize("NFKD", apart)
    return "".join(c for c in apart if unicodedata.category(c) not in {"Mn", "Mc", "Me", "Cf"})


def tokens(name: str) -> set[str]:
    """The words by which a name is recognised; a lone letter of a script with case names no one."""
    found: set[str] = set()
    word = ""
    for character in f"{skeleton(name)} ":
        if character.isalpha():
            word += character
            continue
        if len(word) > 1 or word.upper() == word.lower() != "":
            found.add(word)
        word = ""
    return found


def words_of(text: str) -> set[str]:
    """Runs of letters of one kind: with case, or without."""
    found: set[str] = set()
    word = ""
    for character in f"{skeleton(text)} ":
        cased = character.upper() != character.lower()
        if word and (not character.isalpha() or cased != (word[-1].upper() != word[-1].lower())):
            found.add(word)
            word = ""
        word += character if character.isalpha() else ""
    return found


def shows(text: str, token: str) -> bool:
    """As a word of its own; in scripts written without spaces or with prefixes, anywhere."""
    if token.upper() == token.lower():
        return token in skeleton(text)
    return token in words_of(text)


@st.composite
def spelt(draw: st.DrawFn, name: str) -> str:
    """A name as people type it: case, composition, accents, hyphens and neighbours vary."""
    way = draw(st.sampled_from(WAYS))
    text = unicodedata.normalize(draw(st.sampled_from(FORMS)), way(name))
    before = draw(st.sampled_from(["", " ", "(", "_", "1", "先", "\n", "ل", '"', "-"]))
    after = draw(st.sampled_from(["", " ", "'s", "_", "7", "先生", ",", "\r\n", "さん", "-"]))
    return before + text + after


def plain(name: str) -> str:
    """Without accents, as on a foreign keyboard."""
    apart = unicodedata.normalize("NFD", name)
    return "".join(c for c in apart if unicodedata.category(c) != "Mn")


def invisible(name: str) -> str:
    """With a soft hyphen inside and a direction mark in front."""
    return "\u200e" + name[:1] + "\u00ad" + name[1:]


def hyphened(name: str) -> str:
    return name.replace(" ", "-").replace("’", "'").replace("\u2013", "-")


WAYS: list[Callable[[str], str]] = [
    str, str.upper, str.lower, str.title, str.swapcase, plain, invisible, hyphened,
]  # fmt: skip
FORMS: list[Literal["NFC", "NFD", "NFKC", "NFKD"]] = ["NFC", "NFD", "NFKC", "NFKD"]


@st.composite
def free_text(draw: st.DrawFn, *names: str) -> str:
    """Fillers, with these names among them, whole or one word only."""
    parts = [part for name in names for part in (name, *name.split()) if part]
    pieces = st.sampled_from(FILLER)
    if parts:
        pieces = pieces | st.sampled_from(parts).flatmap(spelt)
    return " ".join(draw(st.lists(pieces, max_size=8)))


@st.composite
def named(draw: st.DrawFn) -> Appointment:
    """A client's or casual appointment whose every free text may hold the client's name."""
    first = draw(st.sampled_from(FIRST_NAMES))
    last = draw(st.sampled_from(LAST_NAMES))
    text = free_text(first, last)
    return appointment(
        kind=draw(st.sampled_from([AppointmentKind.CLIENT, AppointmentKind.CASUAL])),
        show_as=draw(st.sampled_from(ShowAs)),
        title=draw(text),
        appointment_type=draw(text),
        client_id=draw(st.sampled_from(["", "77", "c-9"])),
        client_first_name=first,
        client_last_name=last,
        location=draw(text),
        visit_address=draw(text),
        telehealth_link=draw(st.just("") | links(first, last)),
        notes=draw(text),
    )


@st.composite
def links(draw: st.DrawFn, *names: str) -> str:
    """Of video calls: rooms are often called after whoever comes."""
    part = draw(st.sampled_from(["r-7f3", *(quote(each) for each in names), "a?n=" + names[0]]))
    return f"https://call.example/{part}"


items = st.frozensets(st.sampled_from(DisclosureItem))
modes = st.sampled_from(ClientName)


def shown(appointment: Appointment, disclosure: Disclosure) -> CalendarEvent:
    (event,) = project([appointment], WINDOW, disclosure, practitioner_name="Ada Q")
    return event


def texts(event: CalendarEvent) -> tuple[str, str, str, str]:
    return event.key, event.summary, event.location, event.description


def appointment_of(first: str, last: str, *, notes: str = "") -> Appointment:
    return appointment(client_first_name=first, client_last_name=last, notes=notes)


EVERYTHING = frozenset(DisclosureItem)


@given(appointment=named(), items=items, mode=modes)
@example(appointment_of("", "Strauß", notes="Frau STRAUSS"), EVERYTHING, ClientName.NONE)
@example(appointment_of("", "Smith", notes="smith_j.pdf"), EVERYTHING, ClientName.NONE)
@example(appointment_of("", "Smith", notes="Smith先生"), EVERYTHING, ClientName.NONE)
@example(appointment_of("", "Smith\u2013Wu", notes="Wu"), EVERYTHING, ClientName.FIRST)
@example(appointment_of("", "\u200fכהן", notes="כהן"), EVERYTHING, ClientName.NONE)
@example(appointment_of("Zoë", "", notes="ZOE"), EVERYTHING, ClientName.NONE)
@example(appointment_of("明", "王"), EVERYTHING, ClientName.INITIALS)
def test_a_hidden_name_appears_in_no_text(
    appointment: Appointment, items: frozenset[DisclosureItem], mode: ClientName
) -> None:
    hidden: set[str] = set()
    if mode is not ClientName.FULL:
        hidden = tokens(appointment.client_last_name)
    if mode not in {ClientName.FULL, ClientName.FIRST}:
        hidden |= tokens(appointment.client_first_name)
    event = shown(appointment, Disclosure(items=items, client_name=mode))
    summary = event.summary
    if mode is ClientName.FIRST:  # what it shows is no hidden name
        summary = summary.replace(
            unicodedata.normalize("NFC", appointment.client_first_name), "", 1
        )
    elif mode is ClientName.INITIALS and hidden_by_chance(summary.partition(" – ")[0], hidden):
        summary = summary.partition(" – ")[2]  # Jo O'Brien is JO
    for text in (event.key, summary, event.location, event.description):
        assert {token for token in hidden if shows(text, token)} == set()


def hidden_by_chance(initials: str, hidden: set[str]) -> bool:
    """Two letters with case, that happen to spell a short name."""
    return 1 < len(initials) < 4 and skeleton(initials) in hidden and initials.isupper()


@given(appointment=named(), items=items)
def test_the_whole_name_is_shown_when_nothing_hides_it(
    appointment: Appointment, items: frozenset[DisclosureItem]
) -> None:
    event = shown(appointment, Disclosure(items=items, client_name=ClientName.FULL))
    for name in (appointment.client_first_name, appointment.client_last_name):
        assert tokens(name) <= tokens(event.summary)


@given(appointment=named(), items=items, mode=modes, by_cap=st.booleans())
def test_a_masked_type_shows_busy_and_nothing_else(
    appointment: Appointment, items: frozenset[DisclosureItem], mode: ClientName, by_cap: bool
) -> None:
    masked = frozenset({appointment.appointment_type.strip().casefold()})
    open_one = Disclosure(items=items, client_name=mode)
    disclosure = (
        open_one.capped(DisclosureCap(masked_types=masked))
        if by_cap
        else Disclosure(items=items, client_name=mode, masked_types=masked)
    )
    event = shown(appointment, disclosure)
    assert texts(event) == ("one", BUSY, "", "")
    assert event.private


@given(appointment=named(), items=items, mode=modes)
def test_busy_only_shows_busy_for_everything(
    appointment: Appointment, items: frozenset[DisclosureItem], mode: ClientName
) -> None:
    event = shown(appointment, Disclosure(items=items, client_name=mode, busy_only=True))
    assert texts(event) == ("one", BUSY, "", "")


types = st.frozensets(st.sampled_from(["review", "intake", "home visit"]))
disclosures = st.builds(
    Disclosure,
    kinds=st.frozensets(st.sampled_from(KindChoice)),
    items=items,
    client_name=modes,
    masked_types=types,
    busy_only=st.booleans(),
)
caps = st.builds(DisclosureCap, items=items, client_name=modes, masked_types=types)


@given(disclosure=disclosures, cap=caps)
def test_a_capped_disclosure_is_never_more_open_than_the_cap_or_the_choice(
    disclosure: Disclosure, cap: DisclosureCap
) -> None:
    capped = disclosure.capped(cap)
    assert capped.items == disclosure.items & cap.items
    assert capped.client_name.openness <= cap.client_name.openness
    assert capped.client_name.openness <= disclosure.client_name.openness
    assert capped.client_name in {cap.client_name, disclosure.client_name}
    assert capped.masked_types >= cap.masked_types | disclosure.masked_types
    assert (capped.kinds, capped.busy_only) == (disclosure.kinds, disclosure.busy_only)
    assert capped.capped(cap) == capped


@given(appointment=named(), disclosure=disclosures, cap=caps)
def test_under_a_cap_no_word_appears_that_the_cap_alone_would_not_show(
    appointment: Appointment, disclosure: Disclosure, cap: DisclosureCap
) -> None:
    admitted = project([appointment], WINDOW, disclosure.capped(cap), practitioner_name="Ada Q")
    widest = shown(appointment, Disclosure().capped(cap))
    assert widest.key == "one"
    for event in admitted:
        if not {DisclosureItem.NOTES, DisclosureItem.STATUS, DisclosureItem.TELEHEALTH} & cap.items:
            assert event.description in {"", "With: Ada Q"}
        if not {DisclosureItem.LOCATION, DisclosureItem.ADDRESS} & cap.items:
            assert event.location == ""
        if cap.client_name is ClientName.NONE:
            assert not event.summary.startswith("Client 7")
        if DisclosureItem.REMINDER not in cap.items:
            assert event.reminder_minutes is None


@given(appointment=named(), items=items, mode=modes)
def test_texts_are_clean_short_and_hold_no_markup(
    appointment: Appointment, items: frozenset[DisclosureItem], mode: ClientName
) -> None:
    event = shown(appointment, Disclosure(items=items, client_name=mode))
    for text in texts(event):
        assert unicodedata.is_normalized("NFC", text)
        assert all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"} for c in text)
    assert event.summary
    assert "\n" not in event.summary + event.location
    assert "<b" not in event.description


changes_of_one = st.builds(
    OccurrenceChange,
    original_start=st.just(START),
    notes=st.sampled_from(["Brienne to call", "about BRIENNE"]),
    location=st.sampled_from(["at brienne’s", "home"]),
)


@given(change=changes_of_one, items=items)
def test_a_name_in_one_changed_occurrence_is_hidden_as_well(
    change: OccurrenceChange, items: frozenset[DisclosureItem]
) -> None:
    series = meeting(
        title="Case talk",
        client_first_name="Brienne",
        recurrence=Recurrence(rule="FREQ=DAILY;COUNT=2", changes=(change,)),
    )
    events = project([series], WINDOW, Disclosure(items=items), practitioner_name="Ada Q")
    assert len(events) == 2
    for event in events:
        assert not any(shows(text, "brienne") for text in texts(event))


@given(st.data())
def test_appointments_projected_together_say_what_each_says_alone(data: st.DataObject) -> None:
    # Texts are shared between appointments that look alike: these differ in a field or two.
    one = data.draw(named())
    other = data.draw(named())
    fields = ("client_first_name", "client_last_name", "client_id", "title", "appointment_type",
              "location", "kind", "notes", "show_as")  # fmt: skip
    mixed = [
        replace(
            one,
            id=f"mixed-{number}",
            **{name: getattr(other, name) for name in data.draw(st.sets(st.sampled_from(fields)))},
        )
        for number in range(4)
    ]
    disclosure = Disclosure(
        items=data.draw(st.frozensets(st.sampled_from(DisclosureItem))),
        client_name=data.draw(st.sampled_from(ClientName)),
        masked_types=data.draw(st.sampled_from([frozenset(), frozenset({one.appointment_type})])),
    )
    together = project(mixed, WINDOW, disclosure, practitioner_name="Ada Q")
    assert together == [shown(each, disclosure) for each in mixed]
