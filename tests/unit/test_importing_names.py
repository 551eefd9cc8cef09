"""Whom the practitioners' names in an export mean."""

from collections.abc import Mapping

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput, NotFound
from companion.services.imports.naming import Naming, nearness, words_of
from companion.services.imports.people import FilePractitioners, PeopleOfFile
from companion.services.imports.reading.asking import EVERYBODY

PEOPLE = [
    Practitioner(id="ada", name="Dr Ada Example", aliases=("A. Example",)),
    Practitioner(id="bo", name="Bo Sample-Jones"),
    Practitioner(id="cy", name="Cyrille Nguyễn"),
]
NAMING = Naming(PEOPLE, {"room 2": "bo", "room 3": "Cyrille Nguyễn", "room 4": "Dee Fresh"})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dr  ADA example", "ada"),
        ("a. example", "ada"),
        ("Ada Example", "ada"),
        ("Example, Ada", "ada"),
        ("EXAMPLE, Dr Ada", "ada"),
        ("Ada Example (Physio)", "ada"),
        ("Room 2", "bo"),
        ("Room 3", "cy"),
    ],
)
def test_a_name_an_alias_and_the_mapping_find_their_person(name: str, found: str) -> None:
    person = NAMING.find(name)
    assert person is not None
    assert person.id == found


def test_the_mapping_may_name_someone_new() -> None:
    assert NAMING.find("Room 4") is None
    assert NAMING.target("Room 4") == "Dee Fresh"


def test_a_name_that_two_people_bear_finds_neither() -> None:
    two = [Practitioner(id="a", name="Jo Smith (North)"), Practitioner(id="b", name="Dr Jo Smith")]
    assert Naming(two, {}).find("Jo Smith") is None
    assert [each.id for each in Naming(two, {}).near("Jo Smith")] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Example Ada", "ada"),
        ("Dr Ada Exmaple", "ada"),
        ("Ada J Example", "ada"),
        ("Ada Example-Sample", "ada"),
        ("Ada", "ada"),
        ("B Sample-Jones", "bo"),
        ("Bo Sample Jones", "bo"),
        ("Cyrille Nguyen", "cy"),
    ],
)
def test_a_near_name_is_not_taken_but_proposed(name: str, meant: str) -> None:
    near = NAMING.near(name)
    assert near[0].id == meant


@pytest.mark.parametrize(
    "name", ["Zed Unlike", "Dr", "Example Physio Group", "B Samson", "Ava Brook", ""]
)
def test_a_different_name_is_not_proposed(name: str) -> None:
    assert NAMING.near(name) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jane Smith", "John Smith"), ("Room 1", "Room 2"), ("Physio A", "Physio B"), ("Dr", "Mr")],
)
def test_names_that_nobody_confuses_are_not_near(one: str, other: str) -> None:
    assert nearness(words_of(one), words_of(other)) == 0


# ── a file's names ────────────────────────────────────────────────────────────────────────────


def resolved(
    rows: Mapping[str, int],
    *,
    known: list[Practitioner] | None = None,
    answers: Mapping[str, str] | None = None,
    taken_over: Mapping[str, Mapping[str, int]] | None = None,
) -> FilePractitioners:
    people = PeopleOfFile(known or [], meant={}, answers=answers or {}, timezone="Australia/Sydney")
    return people.resolve(rows, taken_over or {})


def whom(people: FilePractitioners) -> dict[str, str]:
    return {name: person.id for name, person in people.by_name.items()}


def test_spellings_of_one_name_are_one_new_person() -> None:
    rows = {"SMITH, Jo": 1, "Jo Smith": 1, "Dr Jo Smith": 1, "JO SMITH": 1, "Jo Smith (Physio)": 1}
    people = resolved(rows)
    assert whom(people) == dict.fromkeys(rows, "jo-smith")
    assert [each.person.name for each in people.new] == ["Jo Smith"]
    assert people.questions == ()


def test_an_initial_is_asked_about_and_the_full_name_is_not() -> None:
    people = resolved({"J Smith": 9, "Jo Smith": 2})
    (question,) = people.questions
    assert (question.key, question.guess, question.count) == ("practitioner:J Smith", "jo-smith", 9)
    assert [each.value for each in question.choices] == ["jo-smith", "new"]
    assert whom(people) == {"J Smith": "jo-smith", "Jo Smith": "jo-smith"}
    assert [each.person.id for each in people.new] == ["jo-smith"]


def test_an_answer_may_name_somebody_who_is_new_in_the_same_file() -> None:
    rows = {"Smith Jo": 1, "Jo Smith": 5}
    said = resolved(rows, answers={"practitioner:smith  jo": "jo-smith"})
    assert whom(said) == dict.fromkeys(rows, "jo-smith")
    assert said.aliases == {"jo-smith": ("Smith Jo",)}
    other = resolved(rows, answers={"practitioner:Smith Jo": "new"})
    assert whom(other) == {"Smith Jo": "smith-jo", "Jo Smith": "jo-smith"}
    assert other.answered == {"Smith Jo"}


def test_people_with_names_of_their_own_are_created_without_a_question() -> None:
    people = resolved({"Jane Smith": 3, "John Smith": 4, "Jane Brook": 2, "Anh Nguyen": 1})
    assert people.questions == ()
    assert [each.person.id for each in people.new] == [
        "jane-smith", "john-smith", "jane-brook", "anh-nguyen",
    ]  # fmt: skip


def test_a_second_surname_is_asked_about() -> None:
    jo = Practitioner(id="jo-smith", name="Jo Smith")
    (question,) = resolved({"Jo Smith-Clarke": 4}, known=[jo]).questions
    assert question.guess == "jo-smith"


def test_a_name_that_takes_over_known_appointments_is_asked_about() -> None:
    jo = Practitioner(id="jo-smith", name="Jo Smith")
    taken = {"Jo Clarke": {"jo-smith": 4}}
    (question,) = resolved({"Jo Clarke": 4}, known=[jo], taken_over=taken).questions
    assert question.guess == "jo-smith"
    still = {"Jo Clarke": 4, "Jo Smith": 2}
    (question,) = resolved(still, known=[jo], taken_over=taken).questions
    assert question.guess == "new", "Jo Smith is still there"
    few = {"Jo Clarke": {"jo-smith": 2}}
    assert resolved({"Jo Clarke": 4}, known=[jo], taken_over=few).questions == ()


def test_an_answer_that_names_nobody_is_refused() -> None:
    with pytest.raises(NotFound, match="nobody"):
        resolved({"J Smith": 1, "Jo Smith": 1}, answers={"practitioner:J Smith": "nobody"})


def test_a_file_that_names_nobody_asks_whose_it_is() -> None:
    people = resolved({"": 3}, known=PEOPLE)
    (question,) = people.questions
    assert (question.key, question.guess) == (EVERYBODY, "")
    assert people.by_name == {}
    (question,) = resolved({"": 3}, known=PEOPLE[:1]).questions
    assert question.guess == "ada"
    for name in ("", EVERYBODY):
        said = resolved({name: 3}, known=PEOPLE, answers={EVERYBODY: "bo"})
        assert (whom(said), said.questions) == ({name: "bo"}, ())


def test_the_first_of_a_practice_may_be_named_in_the_answer() -> None:
    people = resolved({"": 3}, answers={EVERYBODY: "Ada Example"})
    assert whom(people) == {"": "ada-example"}
    assert [each.person.name for each in people.new] == ["Ada Example"]


def test_a_column_of_clients_is_not_taken_for_practitioners() -> None:
    with pytest.raises(BadInput, match="1200 different people"):
        resolved({f"Person {chr(97 + n % 26)}{n}": 1 for n in range(1_200)})
