"""Support bundle: one zip for support, with no client data in it.

What is structured (settings, sync state, counts) is rebuilt from what may be known: numbers,
times, choices and kinds; a text only says that it is set; people are numbered. What is free text
(findings, activity, logs) goes through `scrub`. Each part is gathered on its own, so that
a broken store costs its part and not the bundle.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from companion.domain.errors import CompanionError
from companion.domain.settings import Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.google.consents import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS,
    EVENTS_OWNED,
    FULL,
)
from companion.services.maintenance.doctor import Diagnosis
from companion.services.maintenance.findings import Finding
from companion.services.maintenance.scrub import Scrub
from companion.services.pools import EXPORTS
from companion.services.ports import (
    ActivityLog,
    AppointmentBook,
    Clock,
    FeedStore,
    Ledger,
    SecretStore,
    SettingsStore,
    calendar_of,
)

LOG_BYTES = 1_500_000
"""At most, of the end of each log file."""
_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - wall time
_LATEST = datetime(2300, 1, 1)  # noqa: DTZ001 - wall time
_KEPT_TEXTS = frozenset({"timezone", "colour"})
_KNOWN_SCOPES = frozenset(
    {APP_CREATED, CALENDAR_LIST, EVENTS, EVENTS_OWNED, FULL, "openid", "email"}
)
_READ_ME = """Support bundle of Calendar Companion {program}, made {at:%d/%m/%Y %H:%M} UTC.

It holds what the doctor found, settings and sync state without names, counts, and logs in which
every word that is not the program's own was replaced by an ellipsis. There are no sign-ins, no
links, no names of clients and none of practitioners in it: they are numbered. Look through it
before you send it, if you like: every part is plain text.
"""


@dataclass(kw_only=True)
class Support:
    settings: SettingsStore
    book: AppointmentBook
    ledger: Ledger
    feeds: FeedStore
    activity: ActivityLog
    secrets: SecretStore
    versions: Callable[[], Mapping[str, str]]
    clock: Clock
    home: Path
    program: str
    log_name: str
    passphrases: Sequence[str] = ()
    """Texts of the environment that must not be found in the bundle."""

    @allows(Action.PRACTICE)
    def file_name(self) -> str:
        return f"calendar-companion-support-{self.clock.now():%Y%m%d-%H%M}.zip"

    @allows(Action.PRACTICE)
    async def bundle(self, diagnosis: Diagnosis | None = None) -> bytes:
        """The zip. Raises no CompanionError: what cannot be read is noted inside."""
        settings: Settings | None = None
        trouble = ""
        try:
            settings = self.settings.read()
        except CompanionError as error:
            trouble = type(error).__name__
        people = _People(settings)
        scrub = Scrub(hidden=await self._hidden(settings))
        documents: dict[str, Any] = {
            "versions.json": {"Calendar Companion": self.program, **self.versions()},
            "settings.json": {"error": trouble}
            if settings is None
            else _settings(settings, people),
            "counts.json": await _or_error(self._counts(settings, people)),
            "sync.json": await _or_error(self._sync(people)),
            "activity.json": await _or_error(self._lines(people, scrub)),
        }
        if diagnosis is not None:
            documents["doctor.json"] = _findings(diagnosis, people, scrub)
        texts = await EXPORTS.run(_logs, self.home, self.log_name, scrub)
        texts["README.txt"] = _READ_ME.format(program=self.program, at=self.clock.now())
        texts |= {name: json.dumps(each, indent=1) for name, each in documents.items()}
        return await EXPORTS.run(_zipped, texts, self.clock.now())

    async def _hidden(self, settings: Settings | None) -> list[str]:
        """Every name, present or former, and secret of this home, as far as it can be read."""
        hidden = list(self.passphrases)
        try:
            for name in await self.secrets.names():
                hidden.extend(_texts_in(await self.secrets.get(name) or ""))
        except CompanionError:
            hidden.append("")  # sealed, so unknown to the logs too
        if settings is None:
            return hidden
        hidden.append(settings.practice.name)
        for key, record in settings.practitioners.items():
            person = record.practitioner
            hidden += (key, person.name, person.email, *person.aliases)
            hidden += (record.google.account, record.google.login, record.google.calendar_id)
            hidden.append(record.google.calendar_name)
        with contextlib.suppress(CompanionError):
            for client in await self.book.client_names():
                hidden += (client.first, client.last)
            for key in settings.practitioners:
                theirs = await self.book.appointments(key, _EARLIEST, _LATEST)
                hidden += (each.client_id for each in theirs)
        return hidden

    async def _counts(self, settings: Settings | None, people: _People) -> dict[str, Any]:
        per_person = {}
        for key, record in (settings.practitioners if settings else {}).items():
            ref = calendar_of(record)
            rows: dict[str, int] = {}
            for entry in await self.ledger.entries(ref):
                rows[entry.state.value] = rows.get(entry.state.value, 0) + 1
            per_person[people.name(key)] = {
                "appointments": await self.book.count(key),
                "ledger": rows,
                "calendars": len(await self.ledger.calendars(key)),
            }
        imports = [
            {
                "at": each.at.isoformat(),
                "added": each.added,
                "changed": each.changed,
                "removed": each.removed,
                "unchanged": each.unchanged,
                "rejected": each.rejected,
            }
            for each in await self.book.imports(20)
        ]
        links = [
            {
                "practitioner": people.name(each.practitioner_id),
                "created": each.created_at.isoformat(),
                "in use": each.revoked_at is None,
                "fetches": each.fetches,
                "last fetched": each.last_fetched_at.isoformat() if each.last_fetched_at else None,
            }
            for each in await self.feeds.links()
        ]
        return {
            "appointments": await self.book.count(),
            "practitioners": per_person,
            "imports": imports,
            "links": links,
        }

    async def _sync(self, people: _People) -> dict[str, Any]:
        found = {}
        for key, state in (await self.ledger.states()).items():
            found[people.name(key)] = {
                "last pass": _moment(state.last_pass),
                "last success": _moment(state.last_success),
                "events": state.events,
                "waiting": state.waiting,
                "trouble": state.trouble.kind if state.trouble else None,
                "trouble since": _moment(state.trouble.since) if state.trouble else None,
                "held": len(state.held.items) if state.held else 0,
                "audit due": state.audit_due,
                "parked until": _moment(state.parked_until),
                "proof": [state.proof.book, state.proof.google, state.proof.differences]
                if state.proof
                else None,
            }
        return found

    async def _lines(self, people: _People, scrub: Scrub) -> list[dict[str, Any]]:
        return [
            {
                "at": line.at.isoformat(),
                "practitioner": people.name(line.practitioner_id),
                "cause": scrub.line(line.cause),
                "kind": scrub.line(line.kind),
                "text": scrub.line(line.text),
                "count": line.count,
            }
            for line in await self.activity.recent(300)
        ]


def bare_bundle(
    diagnosis: Diagnosis, *, home: Path, log_name: str, versions: Mapping[str, str]
) -> bytes:
    """What can be gathered of a home that does not open: findings, versions, logs."""
    scrub = Scrub()
    documents = {
        "doctor.json": _findings(diagnosis, _People(None), scrub),
        "versions.json": {"Calendar Companion": diagnosis.program, **versions},
    }
    texts = _logs(home, log_name, scrub)
    texts["README.txt"] = _READ_ME.format(program=diagnosis.program, at=diagnosis.at)
    texts |= {name: json.dumps(each, indent=1) for name, each in documents.items()}
    return _zipped(texts, diagnosis.at)


def _logs(home: Path, log_name: str, scrub: Scrub) -> dict[str, str]:
    found = {}
    for path in sorted(home.glob(f"{log_name}*")):
        number = path.name.removeprefix(log_name).removeprefix(".")
        if number and not number.isdigit():
            continue  # none of ours, and its name may hold anything
        member = f"log/{path.name}"
        try:
            content = path.read_bytes()[-LOG_BYTES:]
        except OSError as error:
            found[member] = type(error).__name__
            continue
        found[member] = scrub.lines(content.decode("utf-8", "replace"))
    return found


class _People:
    """Numbers instead of names, the same in every part."""

    def __init__(self, settings: Settings | None) -> None:
        keys: Iterable[str] = settings.practitioners if settings else ()
        self._numbers = {key: f"practitioner-{place}" for place, key in enumerate(keys, 1)}

    def name(self, practitioner_id: str) -> str:
        if not practitioner_id:
            return "practice"
        return self._numbers.setdefault(practitioner_id, f"practitioner-{len(self._numbers) + 1}")


async def _or_error(part: Awaitable[Any]) -> Any:
    try:
        return await part
    except CompanionError as error:
        return {"error": type(error).__name__}


def _settings(settings: Settings, people: _People) -> dict[str, Any]:
    return {
        "practice": _redacted(settings.practice),
        "practitioners": {
            people.name(key): _redacted(each) for key, each in settings.practitioners.items()
        },
        "sources": [_redacted(each) for each in settings.sources.values()],
    }


def _redacted(value: Any, name: str = "") -> Any:
    """Numbers, choices and times as they are; of a text only whether there is one."""
    if value is None or isinstance(value, bool | int | float | StrEnum):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value):
        return {
            each.name: _redacted(getattr(value, each.name), each.name) for each in fields(value)
        }
    if isinstance(value, frozenset | tuple):
        if name == "scopes":
            return sorted(set(value) & _KNOWN_SCOPES)
        choices = all(isinstance(each, StrEnum) for each in value)
        return sorted(value) if choices else f"{len(value)} set"
    if isinstance(value, str):
        return value if name in _KEPT_TEXTS or not value else "set"
    return "…"


def _findings(diagnosis: Diagnosis, people: _People, scrub: Scrub) -> dict[str, Any]:
    return {
        "at": diagnosis.at.isoformat(),
        "healthy": diagnosis.healthy,
        "findings": [_finding(each, people, scrub) for each in diagnosis.findings],
    }


def _finding(finding: Finding, people: _People, scrub: Scrub) -> dict[str, str]:
    kind = finding.id.partition(":")[0]
    person = people.name(finding.subject) if finding.subject else ""
    return {
        "id": f"{kind}:{person}" if person else kind,
        "state": finding.state,
        "what": scrub.line(finding.what),
        "remedy": scrub.line(finding.remedy),
    }


def _texts_in(secret: str) -> Iterator[str]:
    """A secret, and each text in it where it is JSON."""
    yield secret
    try:
        document = json.loads(secret)
    except ValueError:
        return
    waiting = [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, str) and not each.startswith("https://"):
            yield each


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _zipped(texts: Mapping[str, str], at: datetime) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in sorted(texts.items()):
            info = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(info, text.encode("utf-8", "replace"))
    return target.getvalue()
