"""Values of a database as the rows of a file have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

NO_DATES = ("0000-00-00", "0001-01-01")
"""As many programs say that there is none."""
_MYSQL_BIT = 16


def plain(value: object) -> object:
    """Text is trimmed: columns of fixed width are padded. A length or time of day that comes as
    one is hours:minutes:seconds."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, date | time):  # a datetime too
        return None if isinstance(value, date) and value.year == 1 else value
    if value is None or isinstance(value, bool | int | Decimal | UUID):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, timedelta):
        return _clock(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _of_bytes(bytes(value))
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return _text(str(value))


def bit(value: object) -> object:
    """Of MySQL's type BIT."""
    return int.from_bytes(value, "big") if isinstance(value, bytes) else plain(value)


def readers(
    description: Sequence[Sequence[object]], *, mysql: bool
) -> list[Callable[[object], object]]:
    """What reads each column."""
    return [bit if mysql and column[1] == _MYSQL_BIT else plain for column in description]


def headings(names: Sequence[str]) -> list[str]:
    """Each once: a second "ID" is "ID (2)", a column without a name is "Column 3"."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, start=1):
        wanted = name.strip() or f"Column {place}"
        number, free = 1, wanted
        while free in found:
            number += 1
            free = f"{wanted} ({number})"
        found[free] = None
    return list(found)


def moment(value: object) -> datetime:
    """A server's local time, naive; SQLite gives text."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.replace(tzinfo=None)


def _text(value: str) -> str | None:
    trimmed = value.strip()
    return None if trimmed.startswith(NO_DATES) and len(trimmed) <= 26 else trimmed


def _clock(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _of_bytes(value: bytes) -> str | None:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
    return _text(text) if text.isprintable() else value.hex()
