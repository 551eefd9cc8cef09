"""What the titles of a calendar are made of, tried on some of them.

A client's name in a title is treated as one only where somebody says where it stands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput
from companion.services.imports.questions import Answers
from companion.services.imports.reading.title_parts import parts_of
from companion.web.ui.components.fields import clear_errors, errors_at
from companion.web.ui.theme import box, button, card, text

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview

KEY = "titles"
_OWN = "own"
_USUAL = {
    "": "Just a title: no client's name is in it",
    "{client_name}": "The client's name alone",
    "{client_name} - {type}": "Client - kind of appointment",
    "{type} - {client_name}": "Kind of appointment - client",
    "{client_name} ({type})": "Client (kind of appointment)",
    "{type}: {client_name}": "Kind of appointment: client",
    _OWN: "Something else: write it yourself",
}
_WORDS = {
    "client_name": "client",
    "client_first_name": "first name",
    "client_last_name": "last name",
    "client_id": "client's number",
    "type": "kind",
    "title": "title",
    "location": "place",
    "practitioner": "practitioner",
    "notes": "notes",
    "ignore": "left out",
}


def title_parts(
    preview: ImportPreview,
    answers: Answers,
    on_answer: Callable[[Mapping[str, str]], Awaitable[None]],
) -> None:
    """Nothing where a column of its own has the clients, or there is no title."""
    said = answers.get(KEY, preview.answers.get(KEY, ""))
    columns = preview.columns.columns
    clients = {"client_name", "client_first_name", "client_last_name"} & columns.keys()
    if "title" not in columns or (clients and not said):
        return
    heading = preview.columns.titles.get("title", "")
    samples = next((e.samples for e in preview.reading.file_columns if e.heading == heading), ())
    if samples:
        _Titles(said, samples, on_answer)


class _Titles:
    def __init__(
        self,
        said: str,
        samples: Sequence[str],
        on_answer: Callable[[Mapping[str, str]], Awaitable[None]],
    ) -> None:
        self._said = said
        self._samples = samples
        self._on_answer = on_answer
        with card("What the titles say"):
            text(
                "Names of clients are hidden from Google and phones where you chose so. In a title "
                "they are known for names only if you say where they stand.",
                "card__lead",
            )
            self._usual = ui.select(
                dict(_USUAL),
                value=said if said in _USUAL else _OWN,
                label="A title is made of",
                on_change=self._look,
            )
            self._usual.classes("field").props("outlined")
            self._own = ui.input("Pattern", value=said, on_change=self._look)
            self._own.classes("field").props("outlined maxlength=300 dir=ltr")
            self._own.props["hint"] = "Such as {client_name} - {type}; several with | between them"
            self._tried = box("facts", tag="dl")
            with box("actions"):
                self._again = button("Read the titles so", self._go)
        self._look()

    @property
    def _pattern(self) -> str:
        usual = str(self._usual.value or "")
        return str(self._own.value or "").strip() if usual == _OWN else usual

    def _look(self) -> None:
        clear_errors(self._own)
        own, pattern = self._usual.value == _OWN, self._pattern
        self._own.set_visibility(own)
        self._again.set_visibility(pattern != self._said)
        self._tried.clear()
        try:
            found = [parts_of(pattern, each) if pattern else None for each in self._samples]
        except BadInput:  # it is still being written
            return
        with self._tried:
            for sample, parts in zip(self._samples, found, strict=True):
                text(sample, tag="dt")
                words = [f"{_WORDS[name]}: {value}" for name, value in (parts or {}).items()]
                text(", ".join(words) or "stays a title", tag="dd")

    async def _go(self) -> None:
        with errors_at({KEY: self._own}):
            if self._pattern:
                parts_of(self._pattern, "")
            await self._on_answer({KEY: self._pattern})
