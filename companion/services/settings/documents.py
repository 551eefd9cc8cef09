"""Settings as JSON documents: the typed codec, the schema's version and its migrations.

A file of record is a mapping of tables, each a list of documents (dicts):

    home            one document: version, install_id, restored_as, paused_until, backups
    practice        one document
    practitioners   one each, in display order
    sources         one each
    users           one each

A document follows the dataclass field by field, driven by the type hints, so a new field needs no
code here; it may be missing from a file (its default counts). A key that we do not know is refused,
never dropped: whoever adds a field raises VERSION, and an older program then refuses the file as
too new. Enums are their values, sets sorted lists, moments ISO in UTC, days
``2026-03-02``, clock times ``08:30``, durations seconds.

Documents of earlier versions are brought up to date first (`migrations`).
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from companion.domain.appointments import Practitioner
from companion.domain.availability import WorkingHours, check_hours
from companion.domain.backup_plan import BackupPlan
from companion.domain.disclosure import Disclosure
from companion.domain.errors import BadInput, StoreTooNew
from companion.domain.opening_hours import check_opening
from companion.domain.settings import (
    PracticeSettings,
    PractitionerSettings,
    RemoteSettings,
    Settings,
    SourceSettings,
    SyncChoices,
    check_days,
)
from companion.domain.users import User
from companion.services.settings import checks, notice_checks
from companion.services.settings.checks import STALE_DAYS, number_within, whole_within
from companion.services.settings.migrations import MIGRATIONS

VERSION = 17

_TABLES = frozenset({"home", "practice", "practitioners", "sources", "users"})
_OF_HOME = frozenset({"version", "install_id", "restored_as", "paused_until", "backups"})

T = TypeVar("T")
Document = dict[str, Any]
Day = TypeVar("Day", bound=date)
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def _some(values: frozenset[object], where: str) -> frozenset[object]:
    if not values:
        raise BadInput("At least one kind of appointment is needed.", field=where)
    return values


def _hours(hours: tuple[WorkingHours, ...], where: str) -> object:
    try:
        return check_hours(hours)
    except BadInput as error:
        raise BadInput(error.what, error.remedy, field=where) from error


def _positive(value: timedelta, where: str) -> timedelta:
    if not timedelta(minutes=1) <= value <= timedelta(days=3660):
        raise BadInput("The duration is out of range.", field=where)
    return value


def _stale_days(value: float | None, where: str) -> float | None:
    return None if value is None else checks.number(value, where, *STALE_DAYS)


_RULES: Mapping[tuple[type, str], Callable[[Any, str], object]] = {
    (Practitioner, "id"): checks.identifier,
    (PractitionerSettings, "disclosure_revision"): whole_within(0, 1_000_000_000),
    (Practitioner, "name"): checks.name,
    (Practitioner, "timezone"): checks.timezone,
    (Practitioner, "colour"): checks.display_colour,
    (PractitionerSettings, "availability"): _hours,
    (User, "id"): checks.identifier,
    (User, "name"): checks.name,
    (SyncChoices, "days_in_arrears"): check_days,
    (SyncChoices, "days_in_advance"): check_days,
    (BackupPlan, "folder"): checks.file_path,
    (SyncChoices, "colour"): checks.google_colour,
    (SyncChoices, "type_colours"): checks.type_colours,
    (SyncChoices, "reminder"): checks.reminder,
    (Disclosure, "kinds"): _some,
    (PracticeSettings, "timezone"): checks.timezone,
    (PracticeSettings, "hold_share"): number_within(0, 1),
    (PracticeSettings, "import_hold_share"): number_within(0, 1),
    (PracticeSettings, "hold_at_least"): whole_within(0, 100_000),
    (PracticeSettings, "opening"): check_opening,
    (PracticeSettings, "stale_days"): _stale_days,
    (PracticeSettings, "activity_kept"): _positive,
    (RemoteSettings, "kind"): checks.identifier,
    (RemoteSettings, "every"): _positive,
    (PracticeSettings, "idle_sign_out"): _positive,
    (PracticeSettings, "feed_host"): checks.host,
    (PracticeSettings, "feed_base_url"): checks.base_url,
    (PracticeSettings, "feed_proxy"): checks.address,
    (PracticeSettings, "feed_certificate"): checks.file_path,
    (PracticeSettings, "feed_key"): checks.file_path,
    (PracticeSettings, "feed_unused_after"): _positive,
    (PracticeSettings, "user_rate"): number_within(0.1, 1000),
    (PracticeSettings, "project_rate"): number_within(0.1, 10_000),
    (PracticeSettings, "notices"): notice_checks.complete,
    **notice_checks.RULES,
}
"""Beyond its type, what a field must be; a rule that would change the value refuses it."""


def to_tables(settings: Settings) -> dict[str, list[Document]]:
    return {
        "home": [
            {
                "version": VERSION,
                "install_id": settings.install_id,
                "restored_as": settings.restored_as,
                "paused_until": _encode(settings.paused_until),
                "backups": _encode(settings.backups),
            }
        ],
        "practice": [_encode(settings.practice)],
        "practitioners": [_encode(each) for each in settings.practitioners.values()],
        "sources": [_encode(each) for each in settings.sources.values()],
        "users": [_encode(each) for each in settings.users.values()],
    }


def from_tables(tables: Tables) -> Settings:
    """Raises StoreTooNew, or BadInput whose `field` is the path of the bad value."""
    current = migrate({name: [dict(each) for each in rows] for name, rows in tables.items()})
    if unknown := current.keys() - _TABLES:
        raise _bad("is not a part of the settings we know", min(unknown))
    home = _only(current, "home")
    _no_others(home, _OF_HOME, "home")
    install_id, restored_as = home.get("install_id"), home.get("restored_as", "")
    if not isinstance(install_id, str) or not install_id:
        raise _bad("is missing or no text", "home.install_id")
    if not isinstance(restored_as, str):
        raise _bad("is no text", "home.restored_as")
    people = _records(PractitionerSettings, current, "practitioners")
    sources = _records(SourceSettings, current, "sources")
    users = _records(User, current, "users")
    return Settings(
        install_id=install_id,
        restored_as=restored_as,
        practice=_decode(PracticeSettings, _only(current, "practice"), "practice"),
        practitioners=_keyed(people, lambda each: each.practitioner.id, "practitioners"),
        sources=_keyed(sources, lambda each: each.name, "sources"),
        users=_keyed(users, lambda each: each.id, "users"),
        paused_until=_decode(datetime | None, home.get("paused_until"), "home.paused_until"),
        backups=_decode(BackupPlan, home.get("backups", {}), "home.backups"),
    )


def migrate(
    tables: dict[str, list[Document]],
    migrations: Mapping[
        int, Callable[[dict[str, list[Document]]], dict[str, list[Document]]]
    ] = MIGRATIONS,
    version: int = VERSION,
) -> dict[str, list[Document]]:
    """The tables as of `version`; raises StoreTooNew for later ones."""
    found = _only(tables, "home").get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise _bad("is missing or no number", "home.version")
    if found > version:
        raise StoreTooNew(detail=f"settings of version {found}, ours is {version}")
    for step in range(found, version):
        if migration := migrations.get(step):
            tables = migration(tables)
        tables["home"][0]["version"] = step + 1
    return tables


def checked(settings: Settings, proven: Settings | None = None) -> dict[str, list[Document]]:
    """The tables of `settings`, proven to read back as the same; raises BadInput. `proven`: of
    these, the records need no second proof."""
    new = settings
    if proven is not None:
        new = replace(
            settings,
            practitioners=_unknown(settings.practitioners, proven.practitioners),
            sources=_unknown(settings.sources, proven.sources),
            users=_unknown(settings.users, proven.users),
        )
    if from_tables(to_tables(new)) != new:
        raise BadInput("These settings cannot be kept as they are.", field="settings")
    return to_tables(settings)


def _unknown(records: Mapping[str, T], proven: Mapping[str, T]) -> dict[str, T]:
    return {key: each for key, each in records.items() if proven.get(key) is not each}


# ── values ────────────────────────────────────────────────────────────────────────────────────


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset):
        return sorted(_encode(each) for each in value)
    if isinstance(value, tuple):
        return [_encode(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _encode(each) for key, each in value.items()}
    return value


def _decode(kind: Any, raw: Any, where: str) -> Any:
    """`raw` as a value of the type `kind`; `where` is its path in the file."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _decode_record(kind, raw, where)
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        kind = next(each for each in get_args(kind) if each is not type(None))
        return None if raw is None else _decode(kind, raw, where)
    if origin in {tuple, frozenset}:
        if not isinstance(raw, list):
            raise _bad("is not a list", where)
        item = get_args(kind)[0]
        return origin(_decode(item, each, f"{where}[{n}]") for n, each in enumerate(raw))
    if origin is Mapping:
        if not isinstance(raw, Mapping):
            raise _bad("is not a group of settings", where)
        item = get_args(kind)[1]
        return {key: _decode(item, each, f"{where}.{key}") for key, each in raw.items()}
    return _decode_plain(kind, raw, where)


_WRITTEN_AS: Mapping[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    timedelta: (int, float),
}
"""Of JSON's types; all others are written as text."""


def _decode_plain(kind: Any, raw: Any, where: str) -> Any:
    # Not isinstance: True is an int to Python, and no number to us.
    if type(raw) not in _WRITTEN_AS.get(kind, (str,)):
        raise _bad("is of the wrong kind", where)
    try:
        if kind is datetime:
            moment = datetime.fromisoformat(raw)
            if moment.tzinfo is None:
                raise _bad("has no time zone", where)
            return _plausible(moment.astimezone(UTC), where)
        if kind is date:
            return _plausible(date.fromisoformat(raw), where)
        if kind is time:
            return _clock_time(raw, where)
        if kind is timedelta:
            return timedelta(seconds=raw)
        return kind(raw)
    except (ValueError, OverflowError) as error:
        words = f" (one of {', '.join(kind)})" if issubclass(kind, StrEnum) else ""
        raise _bad(f"has a value we do not know{words}", where) from error


def _plausible(day: Day, where: str) -> Day:
    """A moment at the edge of the calendar fails wherever it is reckoned with."""
    if not 1970 <= day.year < 2300:
        raise _bad("is in no plausible year", where)
    return day


def _clock_time(raw: str, where: str) -> time:
    clock = time.fromisoformat(raw)
    if clock.isoformat("minutes") != raw:
        raise _bad("is not a time such as 08:30", where)
    return clock


def _decode_record(kind: type, raw: Any, where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise _bad("is not a group of settings", where)
    hints = _hints(kind)
    _no_others(raw, hints.keys(), where)
    values = {}
    for each in fields(kind):
        path = f"{where}.{each.name}"
        if each.name in raw:
            value = _decode(hints[each.name], raw[each.name], path)
            if (rule := _RULES.get((kind, each.name))) and rule(value, path) != value:
                raise _bad("is not written as it should be", path)
            values[each.name] = value
        elif each.default is MISSING and each.default_factory is MISSING:
            raise _bad("is missing", path)
    return kind(**values)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _records(kind: type, tables: Tables, table: str) -> list[Any]:
    rows = tables.get(table, ())
    return [_decode(kind, row, f"{table}.{_label(row, n)}") for n, row in enumerate(rows)]


def _label(row: Mapping[str, Any], number: int) -> str:
    person = row.get("practitioner")
    named = person.get("id") if isinstance(person, Mapping) else row.get("name")
    return named if isinstance(named, str) and named else str(number + 1)


def _keyed(records: Sequence[Any], key: Callable[[Any], str], table: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in records:
        if key(each) in found:
            raise _bad("is there twice", f"{table}.{key(each)}")
        found[key(each)] = each
    return found


def _only(tables: Tables, table: str) -> Mapping[str, Any]:
    rows = tables.get(table, ())
    if len(rows) != 1:
        raise _bad("is missing or there more than once", table)
    return rows[0]


def _no_others(raw: Mapping[str, Any], known: Any, where: str) -> None:
    if unknown := sorted(str(each) for each in raw if each not in known):
        raise _bad("is not a setting we know", f"{where}.{unknown[0]}")


def _bad(what: str, where: str) -> BadInput:
    return BadInput(
        f'In the settings, "{where}" {what}.',
        "Restore a backup, or correct that value.",
        field=where,
    )
