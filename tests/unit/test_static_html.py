"""Markup: whatever is in the book is shown as text, in a cell as in an attribute."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from companion.web.ui.static_html import icon, tag

NASTY = st.text(alphabet=st.one_of(st.sampled_from("<>&\"'`=/ scriptonload!-"), st.characters()))


class Reader(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@given(NASTY, NASTY)
def test_words_stay_words_and_attributes_stay_attributes(words: str, title: str) -> None:
    seen = Reader(tag("tr", tag("td", words, title=title)))
    assert [name for name, _ in seen.tags] == ["tr", "td"]
    assert seen.tags[1][1] == {"dir": "auto", "title": title}
    assert seen.words == words


def test_names_of_attributes_may_be_pythons() -> None:
    assert tag("td", class_="when", aria_label="A & B") == (
        '<td class="when" aria-label="A &amp; B"></td>'
    )


def test_an_icon_says_nothing_to_a_screen_reader() -> None:
    seen = Reader(icon("login"))
    assert seen.tags == [("i", {"class": "q-icon material-icons", "aria-hidden": "true"})]
    assert seen.words == "login"
