"""A search on PostgreSQL takes letters for alike that the rest of the program does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, String, literal_column, select, text

from companion.adapters.database.postgres import engine_of
from companion.adapters.database.spelling import unaccented
from companion.domain.client_names import skeleton
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql
ALPHABETS = (range(1, 0x590), range(0x1E00, 0x2070))
"""Latin, Greek, Cyrillic and Armenian, with all their accents and what stands between words."""


@pytest.fixture(scope="module")
def connection(practice_server: PracticeServer) -> Iterator[Connection]:
    engine = engine_of(practice_server.url_of("practice"), 1)
    with engine.connect() as made:
        yield made
    engine.dispose()


def on_server(connection: Connection, texts: list[str]) -> list[str]:
    listed = text("unnest(CAST(:texts AS text[])) AS given")
    query = select(unaccented(literal_column("given", String))).select_from(listed)
    return list(connection.scalars(query, {"texts": texts}))


def test_every_letter_with_an_alphabet_becomes_what_it_is_here(connection: Connection) -> None:
    every = [chr(code) for alphabet in ALPHABETS for code in alphabet]
    known = [each for each in every if unicodedata.category(each) != "Cn"]
    differing = {
        letter: (here, there)
        for letter, here, there in zip(
            known, map(skeleton, known), on_server(connection, known), strict=True
        )
        if here != there
    }
    assert differing == {}


LETTERS = st.characters(codec="utf-8", exclude_characters="\0", max_codepoint=0x58F)


@settings(max_examples=40)
@given(st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=20))
def test_texts_become_what_they_are_here(connection: Connection, texts: list[str]) -> None:
    assert on_server(connection, texts) == [skeleton(each) for each in texts]
