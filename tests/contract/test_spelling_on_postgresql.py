"""A search on PostgreSQL takes letters for alike that the rest of the program does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, String, literal_column, select, text

from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.database.postgres import engine_of
from companion.adapters.database.spelling import unaccented
from companion.domain.client_names import skeleton
from tests.contract.book_samples import DAY, appointment, put
from tests.fakes.clock import FakeClock
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


IDS = ("a-1", "a1", "A-1", "Ä-1", "ä-1", "B-1", "b 1", "z-1", "ß-1")
"""Which come in another order in each language."""


async def test_the_language_of_the_database_changes_neither_order_nor_keys(
    practice_server: PracticeServer,
) -> None:
    url = practice_server.url_of("postgres")
    version = int(str(practice_server.value_in(url, "SHOW server_version_num")))
    german = "LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk'" if version >= 150_000 else ""
    with practice_server.empty_database(german) as made:
        database = open_practice_database(made, FakeClock())
        given = [appointment(id=each, source_id=each, title="Ölbad") for each in IDS]
        await put(database.book, *given)
        found = await database.book.search(["mira"], "olbad", DAY)
        assert [each.id for each in found] == sorted(IDS)
        assert await database.book.count() == len(IDS)
        assert (await database.book.source_rows("pms")).keys() == {*IDS}
        await database.close()


LETTERS = st.characters(codec="utf-8", exclude_characters="\0", max_codepoint=0x58F)


@settings(max_examples=40)
@given(st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=20))
def test_texts_become_what_they_are_here(connection: Connection, texts: list[str]) -> None:
    assert on_server(connection, texts) == [skeleton(each) for each in texts]
