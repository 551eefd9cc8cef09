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
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from companion.domain.availability import DAYS
from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, Item, KindChoice
from companion.domain.errors import BadInput
from companion.domain.opening_hours import Closure, check_opening
from companion.domain.settings import Practice, PractitionerSettings, SyncChoices, check_days
from companion.services.reminders import read_reminder, reminder_text
from companion.services.settings import checks

Subject = TypeVar("Subject")
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Generic[Subject]):
    """One key: `put(subject, text, key)` gives the changed subject, `show(subject)` the text."""

    put: Callable[[Subject, str, str], Subject]
    show: Callable[[Subject], str]


def change(
    subject: Subject, values: Mapping[str, str], words: Mapping[str, Word[Subject]]
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


def show(subject: Subject, words: Mapping[str, Word[Subject]]) -> dict[str, str]:
    return {key: word.show(subject) for key, word in words.items()}


def _unknown(typed: str, words: Iterable[str]) -> BadInput:
    known = list(words)
    close = difflib.get_close_matches(typed.casefold().replace("-", "_"), known, n=1)
    remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
    return BadInput(f'There is no setting "{typed[:60]}".', remedy, field=typed[:60])


# ── one value ─────────────────────────────────────────────────────────────────────────────────

AUTOMATIC = "automatic"
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


def _true_or_false(value: bool) -> str:
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


def _person(attribute: str, parse: Callable[[str, str], Any]) -> Word[PractitionerSettings]:
    """A text attribute of the Practitioner."""
    return Word(
        put=lambda record, text, key: replace(
            record, practitioner=replace(record.practitioner, **{attribute: parse(text, key)})
        ),
        show=lambda record: str(getattr(record.practitioner, attribute)),
    )


def _choice(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> Word[PractitionerSettings]:
    def put(record: PractitionerSettings, text: str, key: str) -> PractitionerSettings:
        choices: SyncChoices = replace(record.choices, **{attribute: parse(text, key)})
        return replace(record, choices=choices)

    return Word(put=put, show=lambda record: shown(getattr(record.choices, attribute)))


def _disclosed(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> Word[PractitionerSettings]:
    def put(record: PractitionerSettings, text: str, key: str) -> PractitionerSettings:
        disclosure: Disclosure = replace(record.choices.disclosure, **{attribute: parse(text, key)})
        return replace(record, choices=replace(record.choices, disclosure=disclosure))

    return Word(put=put, show=lambda record: shown(getattr(record.choices.disclosure, attribute)))


def _days(text: str, key: str) -> int:
    return check_days(whole_number(text, key), key)


def _types(text: str, key: str) -> frozenset[str]:
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


PRACTITIONER: Mapping[str, Word[PractitionerSettings]] = {
    "enabled": _choice("enabled", yes_or_no, _true_or_false),
    "days_in_arrears": _choice("days_in_arrears", _days),
    "days_in_advance": _choice("days_in_advance", _days),
    "kinds": _disclosed("kinds", _kinds, lambda chosen: in_order(KindChoice, chosen)),
    "include": _disclosed(
        "items",
        lambda text, key: some_of(Item, text, key),
        lambda chosen: in_order(Item, chosen),
    ),
    "client_name": _disclosed("client_name", lambda text, key: one_of(ClientName, text, key)),
    "masked_types": _disclosed("masked_types", _types, listed),
    "left_out_types": _disclosed("left_out_types", _types, listed),
    "busy_only": _disclosed("busy_only", yes_or_no, _true_or_false),
    "colour": _choice("colour", checks.google_colour),
    "type_colours": _choice("type_colours", _type_colours, _colours_listed),
    "reminder": _choice("reminder", _reminder, reminder_text),
    "put_back_deleted": _choice("put_back_deleted", yes_or_no, _true_or_false),
    "tidy_past": _choice("tidy_past", yes_or_no, _true_or_false),
    "timezone": _person("timezone", checks.timezone),
    "email": _person("email", checks.email),
    "name": _person("name", checks.name),
    "display_colour": _person("colour", checks.display_colour),
    "display_order": _person(
        "display_order", lambda text, key: checks.whole(whole_number(text, key), key, 0, 100_000)
    ),
}
"""``colour`` is the events' colour in Google, ``display_colour`` the one of our own screens."""


# ── of the practice ───────────────────────────────────────────────────────────────────────────


def _practice(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> Word[Practice]:
    return Word(
        put=lambda practice, text, key: replace(practice, **{attribute: parse(text, key)}),
        show=lambda practice: shown(getattr(practice, attribute)),
    )


def _cap(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> Word[Practice]:
    def put(practice: Practice, text: str, key: str) -> Practice:
        cap: DisclosureCap = replace(practice.cap, **{attribute: parse(text, key)})
        return replace(practice, cap=cap)

    return Word(put=put, show=lambda practice: shown(getattr(practice.cap, attribute)))


def _number(low: float, high: float) -> Callable[[str, str], float]:
    return lambda text, key: checks.number(decimal(text, key), key, low, high)


def _duration(unit: timedelta, high: int) -> Callable[[str, str], timedelta]:
    return lambda text, key: unit * checks.number(decimal(text, key), key, 1, high)


def _in_units(unit: timedelta) -> Callable[[timedelta], str]:
    return lambda value: repr(value / unit).removesuffix(".0")


def _opening(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str]
) -> Word[Practice]:
    return Word(
        put=lambda practice, text, key: _opened(practice, key, **{attribute: parse(text, key)}),
        show=lambda practice: shown(getattr(practice.opening, attribute)),
    )


def _opened(practice: Practice, key: str, **changed: Any) -> Practice:
    return replace(practice, opening=check_opening(replace(practice.opening, **changed), key))


def _weekdays(text: str, key: str) -> frozenset[int]:
    """Names, or their first three letters; ``automatic`` for those on which somebody works."""
    if text.casefold() in {AUTOMATIC, ""}:
        return frozenset()
    found = set()
    for each in parts(text):
        days = [
            number
            for number, name in enumerate(DAYS)
            if len(each) >= 3 and name.casefold().startswith(each.casefold())
        ]
        if not days:
            raise BadInput(
                f'"{each[:40]}" is no day of the week.',
                "Use names such as Monday,Tuesday, or automatic.",
                field=key,
            )
        found.add(days[0])
    if not found:
        raise BadInput(
            "The practice needs at least one opening day.",
            "Use automatic for the days on which somebody works; stale_days=never for no notice.",
            field=key,
        )
    return frozenset(found)


def _weekday_names(days: frozenset[int]) -> str:
    return ",".join(DAYS[day] for day in sorted(days)) or AUTOMATIC


def _put_times(practice: Practice, text: str, key: str) -> Practice:
    if text.casefold() in {AUTOMATIC, ""}:
        return _opened(practice, key, opens=None, closes=None)
    found = re.fullmatch(r"(\d{1,2}:\d\d) ?(?:-|–|to) ?(\d{1,2}:\d\d)", text, re.ASCII)
    typed = found.groups() if found else ()
    try:
        opens, closes = (time.fromisoformat(each.zfill(5)) for each in typed)
    except ValueError as error:
        raise BadInput(
            f'"{text[:40]}" are no opening hours.', "Use 08:00-18:00, or automatic.", field=key
        ) from error
    return _opened(practice, key, opens=opens, closes=closes)


def _times(practice: Practice) -> str:
    opens, closes = practice.opening.opens, practice.opening.closes
    return f"{opens:%H:%M}-{closes:%H:%M}" if opens and closes else AUTOMATIC


def _closures(text: str, key: str) -> tuple[Closure, ...]:
    """Days, or first and last day: ``2026-12-25,2026-12-28..2027-01-01``."""
    found = []
    for each in parts(text):
        first, _, last = (part.strip() for part in each.partition(".."))
        try:
            days = Closure(first=date.fromisoformat(first), last=date.fromisoformat(last or first))
        except ValueError as error:
            raise BadInput(
                f'"{each[:40]}" is no day.',
                "Use 2026-12-25, or 2026-12-24..2027-01-04 for several days.",
                field=key,
            ) from error
        found.append(days)
    return tuple(sorted(found, key=lambda days: days.first))


def _closure_days(closures: tuple[Closure, ...]) -> str:
    return ",".join(
        f"{each.first}" if each.first == each.last else f"{each.first}..{each.last}"
        for each in closures
    )


def _stale_days(text: str, key: str) -> float | None:
    if text.casefold() == "never":
        return None
    return checks.number(decimal(text, key), key, *checks.STALE_DAYS)


def _days_or_never(days: float | None) -> str:
    return "never" if days is None else repr(days).removesuffix(".0")


PRACTICE: Mapping[str, Word[Practice]] = {
    "name": _practice("name", checks.text),
    "timezone": _practice("timezone", checks.timezone),
    "cap_include": _cap(
        "items",
        lambda text, key: some_of(Item, text, key),
        lambda chosen: in_order(Item, chosen),
    ),
    "cap_client_name": _cap("client_name", lambda text, key: one_of(ClientName, text, key)),
    "cap_masked_types": _cap("masked_types", _types, listed),
    "hold_share": _practice("hold_share", _number(0, 1)),
    "import_hold_share": _practice("import_hold_share", _number(0, 1)),
    "hold_at_least": _practice(
        "hold_at_least", lambda text, key: checks.whole(whole_number(text, key), key, 0, 100_000)
    ),
    "stale_days": _practice("stale_days", _stale_days, _days_or_never),
    "opening_days": _opening("days", _weekdays, _weekday_names),
    "opening_hours": Word(put=_put_times, show=_times),
    "closed_on": _opening("closures", _closures, _closure_days),
    "activity_days": _practice(
        "activity_kept", _duration(timedelta(days=1), 3650), _in_units(timedelta(days=1))
    ),
    "idle_minutes": _practice(
        "idle_sign_out", _duration(timedelta(minutes=1), 720), _in_units(timedelta(minutes=1))
    ),
    "feeds_allowed": _practice("feeds_allowed", yes_or_no, _true_or_false),
    "feed_host": _practice("feed_host", checks.host),
    "feed_base_url": _practice("feed_base_url", checks.base_url),
    "feed_proxy": _practice("feed_proxy", checks.address),
    "feed_certificate": _practice("feed_certificate", checks.file_path),
    "feed_key": _practice("feed_key", checks.file_path),
    "feed_unused_days": _practice(
        "feed_unused_after", _duration(timedelta(days=1), 3650), _in_units(timedelta(days=1))
    ),
    "user_rate": _practice("user_rate", _number(0.1, 1000)),
    "project_rate": _practice("project_rate", _number(0.1, 10_000)),
}
