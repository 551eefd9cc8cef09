"""Settings of the practice in words; see `formatting`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

from companion.domain.availability import DAYS
from companion.domain.disclosure import ClientName, DisclosureCap, DisclosureItem
from companion.domain.errors import BadInput
from companion.domain.opening_hours import Closure, check_opening
from companion.domain.settings import PracticeSettings
from companion.services.settings import checks
from companion.services.settings.formatting import (
    SettingWord,
    decimal,
    in_order,
    listed,
    one_of,
    parts,
    some_of,
    true_or_false,
    types,
    whole_number,
    yes_or_no,
)

AUTOMATIC = "automatic"


def _practice(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[PracticeSettings]:
    return SettingWord(
        put=lambda practice, text, key: replace(practice, **{attribute: parse(text, key)}),
        show=lambda practice: shown(getattr(practice, attribute)),
    )


def _cap(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[PracticeSettings]:
    def put(practice: PracticeSettings, text: str, key: str) -> PracticeSettings:
        cap: DisclosureCap = replace(practice.cap, **{attribute: parse(text, key)})
        return replace(practice, cap=cap)

    return SettingWord(put=put, show=lambda practice: shown(getattr(practice.cap, attribute)))


def _number(low: float, high: float) -> Callable[[str, str], float]:
    return lambda text, key: checks.number(decimal(text, key), key, low, high)


def _duration(unit: timedelta, high: int) -> Callable[[str, str], timedelta]:
    return lambda text, key: unit * checks.number(decimal(text, key), key, 1, high)


def _in_units(unit: timedelta) -> Callable[[timedelta], str]:
    return lambda value: repr(value / unit).removesuffix(".0")


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
    found = re.fullmatch(r"(\d{1,2}:\d\d) ?(?:-|–|to) ?(\d{1,2}:\d\d)", text, re.ASCII)
    typed = found.groups() if found else ()
    try:
        opens, closes = (time.fromisoformat(each.zfill(5)) for each in typed)
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
    return "never" if days is None else repr(days).removesuffix(".0")


PRACTICE: Mapping[str, SettingWord[PracticeSettings]] = {
    "name": _practice("name", checks.text),
    "timezone": _practice("timezone", checks.timezone),
    "cap_include": _cap(
        "items",
        lambda text, key: some_of(DisclosureItem, text, key),
        lambda chosen: in_order(DisclosureItem, chosen),
    ),
    "cap_client_name": _cap("client_name", lambda text, key: one_of(ClientName, text, key)),
    "cap_masked_types": _cap("masked_types", types, listed),
    "hold_share": _practice("hold_share", _number(0, 1)),
    "import_hold_share": _practice("import_hold_share", _number(0, 1)),
    "hold_at_least": _practice(
        "hold_at_least", lambda text, key: checks.whole(whole_number(text, key), key, 0, 100_000)
    ),
    "stale_days": _practice("stale_days", _stale_days, _days_or_never),
    "opening_days": _opening("days", _weekdays, _weekday_names),
    "opening_hours": SettingWord(put=_put_times, show=_times),
    "closed_on": _opening("closures", _closures, _closure_days),
    "activity_days": _practice(
        "activity_kept", _duration(timedelta(days=1), 3650), _in_units(timedelta(days=1))
    ),
    "idle_minutes": _practice(
        "idle_sign_out", _duration(timedelta(minutes=1), 720), _in_units(timedelta(minutes=1))
    ),
    "feeds_allowed": _practice("feeds_allowed", yes_or_no, true_or_false),
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
