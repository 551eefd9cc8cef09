"""Statuses: what a status word means, and whether it says so plainly.

Plain words are taken: "Cancelled late (fee waived)", "DNA – charged", "No show"; "Booked",
"Arrived", "Completed – paid". Words that may mean either (rescheduled, waitlist, a bare code) and
words never seen are asked about, with a guess. The words are in ``statuses.toml``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from importlib.resources import files

from companion.services.imports.cells import folded
from companion.services.imports.reading.asking import BOOKED, CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWord:
    """One word of the status column, as the report shows it."""

    word: str
    count: int
    means: str
    """``booked`` or ``cancelled``."""
    asked: bool


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """One for each list of ``statuses.toml``."""
    document = tomllib.loads(files(__package__).joinpath("statuses.toml").read_text("utf-8"))
    return {
        name: re.compile("|".join(map(_pattern, phrases))) for name, phrases in document.items()
    }


def _pattern(phrase: str) -> str:
    words = r"[ -]?".join(re.escape(word) for word in phrase.removesuffix("*").split())
    return rf"\b{words}" if phrase.endswith("*") else rf"\b{words}\b"


@lru_cache(maxsize=4_096)
def meaning_of(folded: str) -> tuple[str, bool]:
    """What the word means, and whether it leaves no doubt. `folded`: one line, no case."""
    plain = " ".join(folded.replace("–", "-").replace("_", " ").split())
    if not plain or plain in {"-", "none", "n/a", "na"}:
        return BOOKED, True
    found = {name: pattern.search(plain) for name, pattern in _patterns().items()}
    if found["restored"]:
        return BOOKED, False
    cancels, doubt = found["cancelled"], found["open"]
    if cancels:
        # "Cancelled (rebooked)" is cancelled first; "Rebooked after cancellation" is not, and a
        # cancellation that is only asked for is none.
        return CANCELLED, doubt is None or doubt.start() > cancels.start()
    if doubt:
        return CANCELLED, False
    return BOOKED, found["booked"] is not None


def is_known_status(folded: str) -> bool:
    """A word that could stand in a status column, and would hardly stand elsewhere."""
    if len(folded) > 40 or not folded:
        return False
    plain = " ".join(folded.replace("_", " ").split())
    return any(pattern.search(plain) for pattern in _patterns().values())


# ── columns that take an appointment away ─────────────────────────────────────────────────────

_NO = frozenset({
    "", "no", "n", "false", "f", "0", "0.0", "none", "n/a", "na", "-", "–", "not cancelled", "nil",
    "0000-00-00", "0000-00-00 00:00:00", "0001-01-01", "0001-01-01 00:00:00", "1899-12-30",
    "1899-12-30 00:00:00", "1900-01-01", "1900-01-01 00:00:00", "01/01/1900", "01/01/0001",
    "0001-01-01t00:00:00", "1900-01-01t00:00:00", "1900-01-01 00:00:00.000", "off", "undefined",
})  # fmt: skip
"""What means no in a column such as Cancelled; zero dates are how databases say "never"."""


def takes_away(cell: object) -> bool:
    """In a column such as *Cancelled*, *Cancelled at* or *No show*: yes, a moment or a reason."""
    if isinstance(cell, str):
        return _text_takes_away(folded(cell))
    if isinstance(cell, bool | int | float):
        return bool(cell)
    if isinstance(cell, datetime | date):
        return cell.year > 1901
    return cell is not None


@lru_cache(maxsize=8_192)
def _text_takes_away(word: str) -> bool:
    if word in _NO:
        return False
    means, sure = meaning_of(word)
    booked = means == BOOKED and sure and not any(map(str.isdigit, word))
    return not (booked and len(word) <= 20)
