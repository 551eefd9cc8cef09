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
from enum import StrEnum
from typing import Any, Generic, TypeVar

from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem, KindChoice
from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings, SyncChoices, check_days
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


def _person(attribute: str, parse: Callable[[str, str], Any]) -> SettingWord[PractitionerSettings]:
    """A text attribute of the Practitioner."""
    return SettingWord(
        put=lambda record, text, key: replace(
            record, practitioner=replace(record.practitioner, **{attribute: parse(text, key)})
        ),
        show=lambda record: str(getattr(record.practitioner, attribute)),
    )


def _choice(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[PractitionerSettings]:
    def put(record: PractitionerSettings, text: str, key: str) -> PractitionerSettings:
        choices: SyncChoices = replace(record.choices, **{attribute: parse(text, key)})
        return replace(record, choices=choices)

    return SettingWord(put=put, show=lambda record: shown(getattr(record.choices, attribute)))


def _disclosed(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[PractitionerSettings]:
    def put(record: PractitionerSettings, text: str, key: str) -> PractitionerSettings:
        disclosure: Disclosure = replace(record.choices.disclosure, **{attribute: parse(text, key)})
        return replace(record, choices=replace(record.choices, disclosure=disclosure))

    return SettingWord(
        put=put, show=lambda record: shown(getattr(record.choices.disclosure, attribute))
    )


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
    "enabled": _choice("enabled", yes_or_no, true_or_false),
    "days_in_arrears": _choice("days_in_arrears", _days),
    "days_in_advance": _choice("days_in_advance", _days),
    "kinds": _disclosed("kinds", _kinds, lambda chosen: in_order(KindChoice, chosen)),
    "include": _disclosed(
        "items",
        lambda text, key: some_of(DisclosureItem, text, key),
        lambda chosen: in_order(DisclosureItem, chosen),
    ),
    "client_name": _disclosed("client_name", lambda text, key: one_of(ClientName, text, key)),
    "masked_types": _disclosed("masked_types", types, listed),
    "left_out_types": _disclosed("left_out_types", types, listed),
    "busy_only": _disclosed("busy_only", yes_or_no, true_or_false),
    "colour": _choice("colour", checks.google_colour),
    "type_colours": _choice("type_colours", _type_colours, _colours_listed),
    "reminder": _choice("reminder", _reminder, reminder_text),
    "put_back_deleted": _choice("put_back_deleted", yes_or_no, true_or_false),
    "tidy_past": _choice("tidy_past", yes_or_no, true_or_false),
    "timezone": _person("timezone", checks.timezone),
    "email": _person("email", checks.email),
    "name": _person("name", checks.name),
    "display_colour": _person("colour", checks.display_colour),
    "display_order": _person(
        "display_order", lambda text, key: checks.whole(whole_number(text, key), key, 0, 100_000)
    ),
}
"""``colour`` is the events' colour in Google, ``display_colour`` the one of our own screens."""
