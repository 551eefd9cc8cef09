"""Statuses: what a status word means, and whether it says so plainly.

Plain words are taken: "Cancelled late (fee waived)", "DNA – charged", "No show"; "Booked",
"Arrived", "Completed – paid". Words that may mean either (rescheduled, waitlist, a bare code) and
words never seen are asked about, with a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

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


_CANCELS = re.compile(
    r"\bcancel|\bcxl|\bcnx\b|\bdna\b|\bdid ?n[o']?t (?:attend|arrive|show|come|turn)"
    r"|\bno[ -]?shows?\b|\bnon[ -]?(?:attend|arriv|appear)|\bnot attend|\bfailed to (?:attend|arrive|show)"
    r"|\bfail(?:ed)? to attend|\bmissed\b|\bvoid(?:ed)?\b|\bdeleted?\b|\bentered[ -]in[ -]error\b"
    r"|\bno longer required\b|\bdeclined\b|\brejected\b|\bremoved\b|\bunattended\b|\babsent\b"
    r"|\babandoned\b|\bwithdrawn\b|\brevoked\b|\bnoshow\b|\bfta\b"
)
_OPEN = re.compile(
    r"\bre-?sched|\bre-?book|\barchiv|\bwait[ -]?list|\buta\b|\bunable to attend|\bpostpone"
    r"|\bnever\b|\bmoved\b|\btransfer|\binactive\b|\bexpired\b|\bon hold\b|\bleft\b"
    r"|\bcancell?ation (?:requested|pending)|\brequest(?:ed)? cancel|\bpending cancel|\bto be cancel"
    r"|\bnot cancel|\buncancel|\bun-cancel|\bre-?instat|\bdeferred\b|\bturned away\b"
)
_GUESS_BOOKED = re.compile(r"\bnot cancel|\buncancel|\bun-cancel|\bre-?instat|\bnot deleted")
_BOOKED = re.compile(
    r"\bbooked|\bconfirm|\barrived?\b|\bcomplete|\bschedul|\battend|\bin[ -](?:session|progress|room"
    r"|consult|treatment)|\bcheck(?:ed)?[ -]?(?:in|out)|\bseen\b|\bpaid\b|\bbilled\b|\binvoiced?\b|\bpending"
    r"|\bwaiting\b|\bwith (?:doctor|dr|practitioner|provider|clinician|nurse)|\bat billing\b|\bstarted\b|\bbusy\b"
    r"|\btentative|\bfree\b|\bout of office\b|\bout-of-office\b|\boof\b|\baccepted\b|\bactive\b|\bunconfirmed\b|\bnew\b"
    r"|\bfinish|\bfulfil|\breminder|\bsms\b|\bopen\b|\bdeparted\b|\bhere\b|\bready\b|\bapproved\b"
    r"|\bappointment made\b|\breserved\b|\bunpaid\b|\bproposed\b|\bnoted\b|\bcurrent\b|\bin waiting\b|\bno charge\b"
    r"|\blate\b|\bshowed\b|\bprocessed\b|\bon time\b|\bonline\b|\bnormal\b|\bunbilled\b|\btelehealth\b|\bin person\b"
)
_NOT_YET = re.compile(
    r"\bnot (?:yet )?(?:arrived|seen|checked|started|complete)|\bnot paid|\bno status"
)


@lru_cache(maxsize=4_096)
def meaning_of(folded: str) -> tuple[str, bool]:
    """What the word means, and whether it leaves no doubt. `folded`: one line, no case."""
    plain = " ".join(folded.replace("–", "-").replace("_", " ").split())
    if not plain or plain in {"-", "none", "n/a", "na"}:
        return BOOKED, True
    cancels, doubtful = _CANCELS.search(plain), _OPEN.search(plain)
    if cancels:
        if _GUESS_BOOKED.search(plain):
            return BOOKED, False
        # "Cancelled (rebooked)" is cancelled first; "Rebooked after cancellation" is not.
        sure = doubtful is None or (doubtful.start() > cancels.start() and not _asks(doubtful[0]))
        return CANCELLED, sure
    if doubtful:
        return (BOOKED if _GUESS_BOOKED.search(plain) else CANCELLED), False
    if _NOT_YET.search(plain) or _BOOKED.search(plain):
        return BOOKED, True
    return BOOKED, False


def _asks(doubt: str) -> bool:
    return any(word in doubt for word in ("request", "pending", "to be", "not ", "un"))


def is_known_status(folded: str) -> bool:
    """A word that could stand in a status column, and would hardly stand elsewhere."""
    if len(folded) > 40 or not folded:
        return False
    plain = " ".join(folded.replace("_", " ").split())
    return bool(_CANCELS.search(plain) or _OPEN.search(plain) or _BOOKED.search(plain))


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
