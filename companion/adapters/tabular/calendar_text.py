"""Calendar files (.ics) taken apart: calendars, their time zones and the lines of each entry.

Entries are parsed one at a time, so a broken one costs itself alone and memory stays small. Only
lines that a row is made of are kept: attachments, alarms and lists of guests are not even parsed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

TEXTS = (
    "UID", "SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES", "STATUS", "TRANSP", "ORGANIZER",
    "CREATED", "LAST-MODIFIED", "SEQUENCE", "X-MICROSOFT-CDO-BUSYSTATUS",
)  # fmt: skip
TIMES = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE", "EXRULE")
_KEPT = frozenset({*TEXTS, *TIMES})
_HEAD = frozenset({"METHOD", "NAME", "X-WR-CALNAME", "X-WR-TIMEZONE"})
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_FOLD_OF_BYTES = re.compile(_FOLD.pattern.encode())
_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")
_DAY = re.compile(r";VALUE=DATE[;:]", re.IGNORECASE)
_ZONE_OF_DAY = re.compile(r';TZID=(?:"[^"]*"|[^;:"]*)', re.IGNORECASE)
_ZONE_WITH_COLON = re.compile(
    r'^([A-Z-]+;(?:[A-Z-]+=[^;:"]*;)*TZID=)([^";]*:[^";]*)((?:;[^:]*)?:[0-9TZ,/]+)$', re.IGNORECASE
)
_LONGEST = 40_000
"""Characters of a text that are looked at; a cell has fewer."""
_LONGEST_LIST = 1_000_000
"""The same of a line of dates."""


@dataclass(slots=True)
class RawCalendar:
    head: dict[str, str] = field(default_factory=dict)
    """Values of `_HEAD`, as they stand."""
    zones: list[str] = field(default_factory=list)
    """Each VTIMEZONE, whole."""
    entries: list[list[str] | None] = field(default_factory=list)
    """The lines of each VEVENT, unfolded; None for one that was cut off or is too large."""
    whole: bool = False
    """It has its end."""


def unfolded(content: bytes) -> bytes:
    """Before decoding: some programs break a line amid the bytes of a letter."""
    return _FOLD_OF_BYTES.sub(b"", content)


def name_of(line: str) -> str:
    named = _NAME.match(line)
    return named.group().upper() if named else ""


def uid_of(lines: Iterable[str]) -> str:
    """Of an entry that could not be parsed."""
    return next((each.partition(":")[2].strip() for each in lines if name_of(each) == "UID"), "")


def calendars(text: str) -> Iterator[RawCalendar]:
    """In file order; the last one may lack its end."""
    found: _Splitting | None = None
    for raw in io.StringIO(_FOLD.sub("", text), newline=None):
        line = raw.rstrip("\n")
        named = _NAME.match(line)
        if named is None:
            continue
        name, value = named.group().upper(), line[named.end() + 1 :]
        kind = value.strip().upper() if name in {"BEGIN", "END"} else ""
        if kind == "VCALENDAR":
            if found is not None:
                yield found.ended(whole=name == "END")
            found = _Splitting() if name == "BEGIN" else None
        elif found is None:
            continue
        elif name == "BEGIN":
            found.begin(kind, line)
        elif name == "END":
            found.end(kind, line)
        else:
            found.property(name, line)
    if found is not None:
        yield found.ended(whole=False)


def _repaired(line: str) -> str:
    """A line of times as the standard has it: a zone's name with a colon in quotation marks, and
    no zone for a day."""
    if _DAY.search(line):
        return _ZONE_OF_DAY.sub("", line)
    return _ZONE_WITH_COLON.sub(r'\1"\2"\3', line)


class _Splitting:
    """One calendar, line by line."""

    def __init__(self) -> None:
        self._found = RawCalendar()
        self._within: list[str] = []
        """Components that are open, the outermost first."""
        self._part: list[str] | None = None
        """Lines kept of the outermost one; None where it is of no use."""

    @property
    def _in_zone(self) -> bool:
        return bool(self._within) and self._within[0] == "VTIMEZONE"

    def begin(self, kind: str, line: str) -> None:
        if kind in {"VEVENT", "VTIMEZONE"}:  # what is still open never ended
            self._cut()
        self._within.append(kind)
        if len(self._within) == 1:
            self._part = [] if kind in {"VEVENT", "VTIMEZONE"} else None
        if self._part is not None and self._in_zone:
            self._part.append(line)

    def end(self, kind: str, line: str) -> None:
        if kind not in self._within:
            return
        if self._part is not None and self._in_zone:
            self._part.append(line)
        del self._within[self._within.index(kind) :]
        if self._within or self._part is None:
            return
        if kind == "VEVENT":
            large = any(len(each) > _LONGEST_LIST for each in self._part)
            self._found.entries.append(None if large else self._part)
        else:
            self._found.zones.append("\r\n".join((*self._part, "")))

    def property(self, name: str, line: str) -> None:
        if not self._within:
            if name in _HEAD:
                self._found.head.setdefault(name, line[:1_000].partition(":")[2].strip())
        elif self._part is not None and (
            self._in_zone or (len(self._within) == 1 and name in _KEPT)
        ):
            self._part.append(line[:_LONGEST] if name in TEXTS else _repaired(line))

    def ended(self, *, whole: bool) -> RawCalendar:
        self._found.whole = whole and not self._within
        self._cut()
        return self._found

    def _cut(self) -> None:
        if "VEVENT" in self._within:
            self._found.entries.append(None)
        self._within = []
