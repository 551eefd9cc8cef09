"""What is done faster for NiceGUI comes out as NiceGUI's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from nicegui import client

from companion.web.ui.faster_pages import ForHtml
from tests.pages.conftest import Visit

SPECIAL = "&<>`$;#amplt369\\\"'é…–字"


@given(st.text() | st.text(SPECIAL))
def test_a_page_is_escaped_as_nicegui_would(words: str) -> None:
    table = client.HTML_ESCAPE_TABLE
    assert ForHtml(words).translate(table) == words.translate(table)


def test_any_other_table_is_applied_as_ever() -> None:
    assert ForHtml("a&b").translate({ord("a"): "&"}) == "&&b"


async def test_pages_are_made_of_it(visit: Visit) -> None:
    await visit.user.open("/practice")
    assert isinstance(vars(client)["json"].dumps({"name": "…"}), ForHtml)
    await visit.user.should_see("Name of the practice")
