"""Settings of the practice in words; see `formatting`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from companion.domain.availability import DAYS
from companion.domain.disclosure import ClientName, DisclosureItem
from companion.domain.errors import BadInput
from companion.domain.opening_hours import Closure, check_opening
from companion.domain.settings import PracticeSettings
from companion.services.settings import checks
from companion.services.settings.formatting import (
    SettingWord,
    clock_times,
    decimal,
    in_order,
    listed,
    number,
    one_of,
    parts,
    plain,
    some_of,
    true_or_false,
    types,
    whole,
    word,
    yes_or_no,
)

AUTOMATIC = "automatic"


def _duration(unit: timedelta, high: int) -> Callable[[str, str], timedelta]:
    return lambda text, key: unit * checks.number(decimal(text, key), key, 1, high)


def _in_units(unit: timedelta) -> Callable[[timedelta], str]:
    return lambda value: plain(value / unit)


def _opening(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str]
) -> SettingWord[PracticeSettings]:
    return SettingWord(
        put=lambda practice, text, key: _opened(practice, key, **{attribute: parse(text, key)}),
        show=lambda practice: shown(getattr(practice.opening, attribute)),
    )


def _opened(practice: PracticeSettings, key: str, **changed: Any) -> PracticeSettings:
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


def _put_times(practice: PracticeSettings, text: str, key: str) -> PracticeSettings:
    if text.casefold() in {AUTOMATIC, ""}:
        return _opened(practice, key, opens=None, closes=None)
    try:
        opens, closes = clock_times(text)
    except ValueError as error:
        raise BadInput(
            f'"{text[:40]}" are no opening hours.', "Use 08:00-18:00, or automatic.", field=key
        ) from error
    return _opened(practice, key, opens=opens, closes=closes)


def _times(practice: PracticeSettings) -> str:
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
    return "never" if days is None else plain(days)


PRACTICE: Mapping[str, SettingWord[PracticeSettings]] = {
    "name": word("name", checks.text),
    "timezone": word("timezone", checks.timezone),
    "cap_include": word(
        "cap.items",
        partial(some_of, DisclosureItem),
        partial(in_order, DisclosureItem),
    ),
    "cap_client_name": word("cap.client_name", partial(one_of, ClientName)),
    "cap_masked_types": word("cap.masked_types", types, listed),
    "hold_share": word("hold_share", number(0, 1)),
    "import_hold_share": word("import_hold_share", number(0, 1)),
    "hold_at_least": word("hold_at_least", whole(0, 100_000)),
    "stale_days": word("stale_days", _stale_days, _days_or_never),
    "opening_days": _opening("days", _weekdays, _weekday_names),
    "opening_hours": SettingWord(put=_put_times, show=_times),
    "closed_on": _opening("closures", _closures, _closure_days),
    "activity_days": word(
        "activity_kept", _duration(timedelta(days=1), 3650), _in_units(timedelta(days=1))
    ),
    "idle_minutes": word(
        "idle_sign_out", _duration(timedelta(minutes=1), 720), _in_units(timedelta(minutes=1))
    ),
    "feeds_allowed": word("feeds_allowed", yes_or_no, true_or_false),
    "feed_host": word("feed_host", checks.host),
    "feed_base_url": word("feed_base_url", checks.base_url),
    "feed_proxy": word("feed_proxy", checks.address),
    "feed_certificate": word("feed_certificate", checks.file_path),
    "feed_key": word("feed_key", checks.file_path),
    "feed_unused_days": word(
        "feed_unused_after", _duration(timedelta(days=1), 3650), _in_units(timedelta(days=1))
    ),
    "user_rate": word("user_rate", number(0.1, 1000)),
    "project_rate": word("project_rate", number(0.1, 10_000)),
}
