"""What a single setting may be: each function returns the tidied value or raises BadInput.

Used for what a person types (`formatting`) and for a settings file (`documents`), so both refuse
the same values with the same sentence. `field` names the setting in the error.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from companion.domain.appointments import NO_REMINDER
from companion.domain.errors import BadInput
from companion.domain.settings import SyncChoices, check_days
from companion.services.reminders import LONGEST as LONGEST_REMINDER

TEXT_LIMIT = 200
STALE_DAYS = (0.1, 365.0)
"""Opening days for which a source or a sync may be late."""
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DISPLAY_COLOUR = re.compile(r"#[0-9a-f]{6}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


def text(value: str, field: str, limit: int = TEXT_LIMIT) -> str:
    """One line: control and direction characters go, white space shrinks."""
    kept = "".join(" " if each.isspace() else each for each in value if not _invisible(each))
    line = " ".join(kept.split())
    if len(line) > limit:
        raise BadInput(
            f"It is longer than {limit} characters.", "Shorten it and try again.", field=field
        )
    return line


def _invisible(character: str) -> bool:
    if character.isspace() and ord(character) >= 9:
        return False
    # Zero-width joiners belong to some scripts and to emoji; direction marks do not.
    return unicodedata.category(character) in {"Cc", "Cs", "Co"} or character in _DIRECTION


_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def name(value: str, field: str = "name") -> str:
    line = text(value, field)
    if not line:
        raise BadInput("The name is empty.", "Type a name.", field=field)
    return line


def identifier(value: str, field: str = "id") -> str:
    """Of a practitioner or a user: a-z, 0-9 and hyphens between them, at most 60."""
    if len(value) > 60 or not _SLUG.fullmatch(value):
        raise BadInput(
            f'"{value[:60]}" cannot be an id.',
            "Use small letters a to z, digits and hyphens, such as anna-lee.",
            field=field,
        )
    return value


def slug(value: str) -> str:
    """The id a name suggests; ``practitioner`` where nothing of it can be written so."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.casefold())
    return "-".join(words)[:40].strip("-") or "practitioner"


def email(value: str, field: str = "email") -> str:
    """A light check; empty is allowed."""
    line = text(value, field, 254)
    if line and not _EMAIL.fullmatch(line):
        raise BadInput(
            f'"{line[:80]}" is not an e-mail address.',
            "Use one such as anna@example.com, or leave it empty.",
            field=field,
        )
    return line


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """By folded name."""
    return {zone.casefold(): zone for zone in sorted(available_timezones()) if "/" in zone} | {
        "utc": "UTC"
    }


@lru_cache(maxsize=256)
def timezone(value: str, field: str = "timezone") -> str:
    """An IANA name, its capitals corrected; for a city alone the error suggests one."""
    wanted = value.strip().replace(" ", "_")
    zones = _zones()
    found = zones.get(wanted.casefold())
    if found is not None:
        ZoneInfo(found)
        return found
    by_city = {zone.rpartition("/")[2]: zone for zone in sorted(zones, reverse=True)}
    close = difflib.get_close_matches(wanted.casefold(), [*by_city, *zones], n=3, cutoff=0.75)
    suggestions = dict.fromkeys(zones[by_city.get(each, each)] for each in close)
    remedy = (
        f"Did you mean {' or '.join(suggestions)}?"
        if suggestions
        else "Use a name such as Australia/Sydney, Australia/Perth or Pacific/Auckland."
    )
    raise BadInput(f'"{value[:60]}" is not a time zone.', remedy, field=field)


def whole(value: int, field: str, low: int, high: int) -> int:
    if not low <= value <= high:
        raise BadInput(
            f"{value} is out of range.", f"Use a whole number from {low} to {high}.", field=field
        )
    return value


def number(value: float, field: str, low: float, high: float) -> float:
    # Written so that "not a number" is out of range too.
    if not low <= value <= high:
        raise BadInput(
            f"{value:g} is out of range.", f"Use a number from {low:g} to {high:g}.", field=field
        )
    return value


def whole_within(low: int, high: int) -> Callable[[int, str], int]:
    return lambda value, field: whole(value, field, low, high)


def number_within(low: float, high: float) -> Callable[[float, str], float]:
    return lambda value, field: number(value, field, low, high)


def display_colour(value: str, field: str = "display_colour") -> str:
    """``#rrggbb`` or empty."""
    colour = value.strip().casefold()
    if colour and not _DISPLAY_COLOUR.fullmatch(colour):
        raise BadInput(f'"{value[:20]}" is not a colour.', "Use #rrggbb or nothing.", field=field)
    return colour


def google_colour(value: str, field: str = "colour") -> str:
    """Google's colorId, 1 to 11, or empty; Google's own names are understood."""
    wanted = value.strip().casefold()
    wanted = GOOGLE_COLOURS.get(wanted, wanted)
    if wanted and wanted not in GOOGLE_COLOURS.values():
        raise BadInput(
            f'"{value[:20]}" is not one of Google\'s event colours.',
            f"Use 1 to 11 or a name: {', '.join(GOOGLE_COLOURS)}; or nothing.",
            field=field,
        )
    return wanted


def type_colours(wanted: Mapping[str, str], field: str = "type_colours") -> Mapping[str, str]:
    """Colours by appointment type, folded; those without a colour are left out."""
    found = {}
    for name, colour in wanted.items():
        folded = text(name, field).casefold()
        if folded and (chosen := google_colour(colour, field)):
            found[folded] = chosen
    return found


def reminder(minutes: int | None, field: str = "reminder") -> int | None:
    if minutes is None or minutes == NO_REMINDER:
        return minutes
    return whole(minutes, field, 0, LONGEST_REMINDER)


GOOGLE_COLOURS = {
    "lavender": "1",
    "sage": "2",
    "grape": "3",
    "flamingo": "4",
    "banana": "5",
    "tangerine": "6",
    "peacock": "7",
    "graphite": "8",
    "blueberry": "9",
    "basil": "10",
    "tomato": "11",
}


def host(value: str, field: str) -> str:
    """A name or address as it stands in a link; empty is allowed."""
    wanted = value.strip()
    if wanted and not _HOST.fullmatch(wanted):
        raise BadInput(
            f'"{wanted[:60]}" is not a host name or address.',
            "Use one such as 192.168.1.20 or cal.example.org, or leave it empty.",
            field=field,
        )
    return wanted


def address(value: str, field: str) -> str:
    """An IP address, or empty."""
    wanted = value.strip()
    try:
        return str(ipaddress.ip_address(wanted)) if wanted else ""
    except ValueError as error:
        raise BadInput(
            f'"{wanted[:60]}" is not an address.',
            "Use one such as 127.0.0.1, where the proxy or tunnel runs on this computer, or leave "
            "it empty.",
            field=field,
        ) from error


def base_url(value: str, field: str) -> str:
    """``http(s)://host[:port][/path]`` without a final slash, or empty."""
    wanted = value.strip().rstrip("/")
    if not wanted:
        return ""
    try:
        parts = urlsplit(wanted)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
        parts = urlsplit("")
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if not (good and plain and re.fullmatch(r"[!-~]{1,500}", wanted)):
        raise BadInput(
            f'"{wanted[:60]}" is not the start of a web address.',
            "Use one such as https://cal.example.org, or leave it empty.",
            field=field,
        )
    return wanted


def file_path(value: str, field: str) -> str:
    """The whole path of a file on this computer, or empty; whether it is there shows later."""
    wanted = value.strip().strip('"')
    absolute = PurePosixPath(wanted).is_absolute() or PureWindowsPath(wanted).is_absolute()
    if wanted and not (absolute and len(wanted) <= 1000 and wanted.isprintable()):
        raise BadInput(
            f'"{wanted[:60]}" is not the whole path of a file.',
            "Copy it from the file's properties, beginning with the drive or with /.",
            field=field,
        )
    return wanted


def folded_types(values: tuple[str, ...], field: str) -> frozenset[str]:
    """Appointment types as `Disclosure.masks` compares them."""
    return frozenset(filter(None, (text(each, field).casefold() for each in values)))


def choices(wanted: SyncChoices) -> SyncChoices:
    """A practitioner's choices as they are kept; raises BadInput."""
    if not wanted.disclosure.kinds:
        raise BadInput(
            "At least one kind of appointment must go.",
            "Tick one; to stop the sync, switch it off.",
            field="kinds",
        )
    masked = folded_types(tuple(wanted.disclosure.masked_types), "masked_types")
    left_out = folded_types(tuple(wanted.disclosure.left_out_types), "left_out_types")
    return replace(
        wanted,
        days_in_arrears=check_days(wanted.days_in_arrears, "days_in_arrears"),
        days_in_advance=check_days(wanted.days_in_advance, "days_in_advance"),
        disclosure=replace(wanted.disclosure, masked_types=masked, left_out_types=left_out),
        colour=google_colour(wanted.colour),
        type_colours=type_colours(wanted.type_colours),
        reminder=reminder(wanted.reminder),
    )
