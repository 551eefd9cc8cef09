"""Which known practitioner a name in an export may mean."""

import pytest

from companion.domain.appointments import Practitioner
from companion.services.imports.naming import Naming, likeness

PEOPLE = [
    Practitioner(id="ada", name="Dr Ada Example", aliases=("A. Example",)),
    Practitioner(id="bo", name="Bo Sample-Jones"),
    Practitioner(id="cy", name="Cyrille Nguyễn"),
]
NAMING = Naming(PEOPLE, {"room 2": "bo", "room 3": "Cyrille Nguyễn", "room 4": "Dee Fresh"})


@pytest.mark.parametrize(
    ("name", "found"),
    [("dr  ADA example", "ada"), ("a. example", "ada"), ("Room 2", "bo"), ("Room 3", "cy")],
)
def test_a_name_an_alias_and_the_mapping_find_their_person(name: str, found: str) -> None:
    person = NAMING.find(name)
    assert person is not None
    assert person.id == found


def test_the_mapping_may_name_someone_new() -> None:
    assert NAMING.find("Room 4") is None
    assert NAMING.target("Room 4") == "Dee Fresh"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Ada Example", "ada"),
        ("Example, Ada", "ada"),
        ("EXAMPLE, Dr Ada", "ada"),
        ("Dr Ada Exmaple", "ada"),
        ("Ada J Example", "ada"),
        ("B Sample-Jones", "bo"),
        ("Bo Sample Jones", "bo"),
        ("Cyrille Nguyen", "cy"),
    ],
)
def test_a_near_name_is_proposed(name: str, meant: str) -> None:
    person = NAMING.suggestion(name)
    assert NAMING.find(name) is None
    assert person is not None
    assert person.id == meant


@pytest.mark.parametrize("name", ["Zed Unlike", "Dr", "Example Physio Group", "B Samson"])
def test_a_different_name_is_not_proposed(name: str) -> None:
    assert NAMING.suggestion(name) is None


def test_nobody_known_means_nothing_to_propose() -> None:
    assert Naming([], {}).suggestion("Ada Example") is None


def test_titles_alone_are_not_alike() -> None:
    assert likeness("Dr", "Mr") < 0.8
