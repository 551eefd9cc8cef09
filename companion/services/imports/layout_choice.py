"""Which layout a file is read by, and which source it belongs to.

A mapping given now decides; else the one kept for the source; else a built-in layout; else the one
kept mapping whose columns the file has. An empty file has no columns: its source is what was
said, or the only one there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from companion.domain.errors import BadInput
from companion.domain.settings import SourceSettings
from companion.services.imports.cells import read_line
from companion.services.imports.layouts import Layout, looks_like_data, recognise
from companion.services.imports.mappings import bind_mapping, fits

_OWN = "book"
"""Source of the Appointment Book screen: no file may pose as it."""


class UnknownLayout(BadInput):
    """A file whose columns somebody must explain; `headers` are their names."""

    def __init__(self, what: str, remedy: str, headers: tuple[str, ...]) -> None:
        super().__init__(what, remedy, field="file")
        self.headers = headers


def choose_layout(
    headers: Sequence[str],
    sources: Mapping[str, SourceSettings],
    source: str | None,
    mapping: str | None,
    met: Iterable[str],
) -> Layout:
    """`source` and `mapping` as given; `met`: sources imported from before. Raises BadInput."""
    if not any(headers):
        return _of_nothing({*met, *sources}, source)
    if mapping is not None:
        return bind_mapping(mapping, headers)
    kept = sources.get(source) if source else None
    if kept and kept.mapping:
        return bind_mapping(kept.mapping, headers)
    known = recognise(headers)
    if known is not None:
        return known
    fitting = [
        each
        for each in sources.values()
        if source is None and each.mapping and fits(each.mapping, headers)
    ]
    if len(fitting) == 1:
        return replace(bind_mapping(fitting[0].mapping, headers), source=fitting[0].name)
    raise _unknown_layout(headers)


def _of_nothing(met: set[str], source: str | None) -> Layout:
    if source is None:
        if len(met) > 1:
            raise BadInput(
                "The file is empty, so nothing tells which source it belongs to.",
                f"Name the source; known are {', '.join(sorted(met))}.",
                field="source",
            )
        source = next(iter(met), "empty")
    return Layout(name="empty file", source=source, columns={}, titles={})


def source_name(source: str) -> str:
    name = read_line(source, 60)
    if not name or name.casefold() == _OWN:
        raise BadInput(
            f"“{name}” cannot be the name of a source.",
            "Choose a short name, such as that of the practice software.",
            field="source",
        )
    return name


def _unknown_layout(headers: Sequence[str]) -> BadInput:
    """Lists the columns, unless the first row holds someone's data instead of names."""
    if looks_like_data(headers):
        return BadInput(
            "The first row of this file holds data, not the names of its columns.",
            "Export it again with a header row.",
            field="file",
        )
    shown = ", ".join(f"“{read_line(each, 40)}”" for each in headers[:30] if each)
    more = f" and {len(headers) - 30} more" if len(headers) > 30 else ""
    return UnknownLayout(
        f"The columns of this file are of no layout we know. They are: {shown}{more}.",
        "Say what they mean in a mapping file and give it with --mapping, or on the import page. "
        'It begins like this:  [columns]  start = "…"  end = "…"  practitioner = "…"',
        tuple(headers),
    )
