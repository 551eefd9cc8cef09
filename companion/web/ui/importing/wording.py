"""What an import is called on its page: a file, or what was fetched from a source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWording:
    what: str
    """As in a sentence: “the file”."""
    next: str
    """The one after it."""
    row: str
    """One line of it, as counted."""

    leaves_open: str
    """Heading of its questions."""
    words: str
    """Whose status words they are."""
    how_read: str
    """Heading of that card."""
    none: str
    """Said where there is no appointment in it."""
    rows_are: str
    """How the numbers of its rows are counted."""


FILE = ImportWording(
    what="the file",
    next="the next file",
    row="row",
    leaves_open="What the file leaves open",
    words="What the file's status words are taken for.",
    how_read="How the file is read",
    none="There is no appointment in this file: nothing to apply.",
    rows_are="The row is counted as in the file.",
)
FETCHED = ImportWording(
    what="what was fetched",
    next="the next fetch",
    row="appointment",
    leaves_open="What was fetched leaves this open",
    words="What the status words that were fetched are taken for.",
    how_read="How what was fetched is read",
    none="There is no appointment in what was fetched: nothing to apply.",
    rows_are="They are counted as they were fetched, from 2.",
)
