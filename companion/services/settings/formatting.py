"""Settings in words: ``KEY=VALUE`` as a person types it, and back again.

One table a subject says for every key how its text becomes a value and how the value is shown;
what is shown can be set again unchanged. Lists are separated by commas, "all" and "none" stand
for every and no item; yes/no, true/false and on/off are understood.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Any, Generic, TypeVar

from companion.domain.disclosure import ClientName, DisclosureItem, KindChoice
from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings, check_days
from companion.services.reminders import read_reminder, reminder_text
from companion.services.settings import checks

Subject = TypeVar("Subject")
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingWord(Generic[Subject]):
    """One key: `put(subject, text, key)` gives the changed subject, `show(subject)` the text."""

    put: Callable[[Subject, str, str], Subject]
    show: Callable[[Subject], str]


def change(
    subject: Subject, values: Mapping[str, str], words: Mapping[str, SettingWord[Subject]]
) -> Subject:
    """All of `values` or, raising BadInput with the key as its field, none."""
    for typed, text in values.items():
        key = typed.strip().casefold().replace("-", "_").replace(" ", "_")
        if key not in words:
            raise _unknown(typed, words)
        if len(text) > 4000:
            raise BadInput("The value is too long.", field=key)
        subject = words[key].put(subject, text.strip(), key)
    return subject


def show(subject: Subject, words: Mapping[str, SettingWord[Subject]]) -> dict[str, str]:
    return {key: word.show(subject) for key, word in words.items()}


def _unknown(typed: str, words: Iterable[str]) -> BadInput:
    known = list(words)
    close = difflib.get_close_matches(typed.casefold().replace("-", "_"), known, n=1)
    remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
    return BadInput(f'There is no setting "{typed[:60]}".', remedy, field=typed[:60])


def word(
    path: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[Any]:
    """Of the value at `path` in the subject, such as ``practitioner.name``."""
    return SettingWord(
        put=lambda subject, text, key: _with(subject, path, parse(text, key)),
        show=lambda subject: shown(attrgetter(path)(subject)),
    )


def _with(subject: Any, path: str, value: object) -> Any:
    first, _, rest = path.partition(".")
    return replace(
        subject, **{first: _with(getattr(subject, first), rest, value) if rest else value}
    )


# ── one value ─────────────────────────────────────────────────────────────────────────────────

_YES = {"true", "yes", "on", "1"}
_NO = {"false", "no", "off", "0"}


def yes_or_no(text: str, key: str) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        raise BadInput(f'"{text[:40]}" is neither yes nor no.', "Use true or false.", field=key)
    return word in _YES


def whole_number(text: str, key: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise BadInput(f'"{text[:40]}" is not a whole number.', field=key)
    return int(text)


def decimal(text: str, key: str) -> float:
    """Also a share in per cent."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError as error:
        raise BadInput(f'"{text[:40]}" is not a number.', field=key) from error


def number(low: float, high: float) -> Callable[[str, str], float]:
    return lambda text, key: checks.number(decimal(text, key), key, low, high)


def plain(value: float) -> str:
    return repr(value).removesuffix(".0")


def whole(low: int, high: int) -> Callable[[str, str], int]:
    return lambda text, key: checks.whole(whole_number(text, key), key, low, high)


def clock_times(text: str) -> tuple[time, time]:
    """``8:00-18:30``. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,2}:\d\d) ?(?:-|–|to) ?(\d{1,2}:\d\d)", text, re.ASCII)
    begin, end = (time.fromisoformat(each.zfill(5)) for each in (found.groups() if found else ()))
    return begin, end


def one_of(choices: type[Choice], text: str, key: str) -> Choice:
    try:
        return choices(text.casefold())
    except ValueError as error:
        remedy = f"Use one of: {', '.join(choices)}."
        raise BadInput(f'"{text[:40]}" is not one of the choices.', remedy, field=key) from error


def some_of(choices: type[Choice], text: str, key: str) -> frozenset[Choice]:
    """May be empty."""
    if text.casefold() in {"all", "*"}:
        return frozenset(choices)
    return frozenset(one_of(choices, each, key) for each in parts(text))


def parts(text: str) -> tuple[str, ...]:
    """Between commas; a part that holds a comma itself stands in double quotes."""
    if text.casefold() == "none":
        return ()
    row = next(csv.reader([" ".join(text.split())], skipinitialspace=True), [])
    return tuple(filter(None, (each.strip() for each in row)))


def listed(values: Iterable[str]) -> str:
    """As `parts` reads it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(sorted(values))
    return '"none"' if line.getvalue() == "none" else line.getvalue()


def in_order(choices: type[Choice], chosen: frozenset[Choice]) -> str:
    return ",".join(each for each in choices if each in chosen)


def true_or_false(value: bool) -> str:
    return "true" if value else "false"


# ── of a practitioner ─────────────────────────────────────────────────────────────────────────


def _kinds(text: str, key: str) -> frozenset[KindChoice]:
    chosen = some_of(KindChoice, text, key)
    if not chosen:
        raise BadInput(
            "At least one kind of appointment must go.",
            f"Use some of: {', '.join(KindChoice)}; to stop the sync, set enabled=false.",
            field=key,
        )
    return chosen


def _days(text: str, key: str) -> int:
    return check_days(whole_number(text, key), key)


def types(text: str, key: str) -> frozenset[str]:
    return checks.folded_types(parts(text), key)


def _type_colours(text: str, key: str) -> Mapping[str, str]:
    """``Initial=tomato,Review=sage``."""
    pairs = [each.rpartition("=") for each in parts(text)]
    if not all(sign and name.strip() for name, sign, _ in pairs):
        raise BadInput(
            f'"{text[:40]}" does not say which type has which colour.',
            "Use Initial=tomato,Review=sage, or none.",
            field=key,
        )
    return checks.type_colours({name: colour for name, _, colour in pairs}, key)


def _colours_listed(colours: Mapping[str, str]) -> str:
    names = {number: name for name, number in checks.GOOGLE_COLOURS.items()}
    return listed(f"{kind}={names[colour]}" for kind, colour in colours.items())


def _reminder(text: str, key: str) -> int | None:
    try:
        return checks.reminder(read_reminder(text), key)
    except ValueError as error:
        raise BadInput(
            f'"{text[:40]}" is no reminder.',
            "Use minutes, a length such as 1 day, none, or calendar for the calendar's own.",
            field=key,
        ) from error


PRACTITIONER: Mapping[str, SettingWord[PractitionerSettings]] = {
    "enabled": word("choices.enabled", yes_or_no, true_or_false),
    "days_in_arrears": word("choices.days_in_arrears", _days),
    "days_in_advance": word("choices.days_in_advance", _days),
    "kinds": word("choices.disclosure.kinds", _kinds, partial(in_order, KindChoice)),
    "include": word(
        "choices.disclosure.items",
        partial(some_of, DisclosureItem),
        partial(in_order, DisclosureItem),
    ),
    "client_name": word("choices.disclosure.client_name", partial(one_of, ClientName)),
    "masked_types": word("choices.disclosure.masked_types", types, listed),
    "left_out_types": word("choices.disclosure.left_out_types", types, listed),
    "busy_only": word("choices.disclosure.busy_only", yes_or_no, true_or_false),
    "colour": word("choices.colour", checks.google_colour),
    "type_colours": word("choices.type_colours", _type_colours, _colours_listed),
    "reminder": word("choices.reminder", _reminder, reminder_text),
    "put_back_deleted": word("choices.put_back_deleted", yes_or_no, true_or_false),
    "tidy_past": word("choices.tidy_past", yes_or_no, true_or_false),
    "timezone": word("practitioner.timezone", checks.timezone),
    "email": word("practitioner.email", checks.email),
    "name": word("practitioner.name", checks.name),
    "display_colour": word("practitioner.colour", checks.display_colour),
    "display_order": word("practitioner.display_order", whole(0, 100_000)),
}
"""``colour`` is the events' colour in Google, ``display_colour`` the one of our own screens."""
