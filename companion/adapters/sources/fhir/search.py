"""AppointmentSearch: one search of a FHIR server for appointments, page by page, with their names.

A server may not know every parameter. It is asked strictly (an unknown one is an error rather than
left out), and then with fewer: first without `_include`, then without `_lastUpdated`, then without
`date`. What the answer's own `self` link leaves out was not looked at either.

Names that neither a reference nor an included resource gives are asked for by id, fifty at a time,
else one by one, and kept for as long as a source goes on.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.sources.fhir.resources import (
    NAMED,
    Resource,
    ResourcesFile,
    nameless,
    reference_of,
    slim_appointment,
    slim_named,
)
from companion.adapters.sources.fhir.server import FhirRefusal, FhirServer, link
from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.sources.remote import FetchRequest

INCLUDE, UPDATED, DATE = "_include", "_lastUpdated", "date"
LEVELS: tuple[frozenset[str], ...] = (
    frozenset({INCLUDE, UPDATED, DATE}),
    frozenset({UPDATED, DATE}),
    frozenset({DATE}),
    frozenset(),
)
INCLUDES = ("Appointment:patient", "Appointment:practitioner", "Appointment:location")
PAGE = 100
MOST_PAGES = 20_000
ROW_LIMIT = 200_000
SIZE_LIMIT = 45_000_000
"""Characters of the file; the import's reader takes somewhat more."""
MOST_NAMES = 200_000
MOST_SEEN = 1_000
OVERLAP = timedelta(minutes=5)
"""Changes are asked for so long before the last fetch: one may be seen later than it is dated."""
_AT_ONCE = 50
"""Ids in one search for names."""


@dataclass(slots=True)
class Known:
    """What is kept of one server between fetches."""

    level: int = 0
    """Of LEVELS: what it understands."""
    by_id: bool = True
    """It lists several resources by their ids."""
    names: dict[str, Resource] = field(default_factory=dict)
    """By reference; empty where there is nothing under it."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScope:
    since: date
    """Appointments from this day on."""
    updated: datetime | None
    """Only those changed since; aware UTC. None for all."""
    seen: frozenset[str] = frozenset()
    """Marks of those that the last fetch gave already, of the time that is asked for again."""
    more: Sequence[tuple[str, str]] = ()
    """The source's own parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    count: int
    whole: bool
    """Not only what changed."""
    at: datetime
    """By the server's clock, when it was asked; aware UTC."""
    recent: frozenset[str]
    """Marks of what changed shortly before."""


class Expired(Exception):
    """A page is gone: the search has to begin anew."""


class AppointmentSearch:
    def __init__(
        self, server: FhirServer, base: str, place: str, known: Known, request: FetchRequest
    ) -> None:
        self._server = server
        self._base = base
        self._place = place
        self._known = known
        self._request = request

    def into(self, file: ResourcesFile, wanted: SearchScope) -> Found:
        """Raises Expired, SourceUnreachable, Stopped."""
        bundle, answer, url, level = self._first(wanted)
        at = _clock_of(answer, self._request.now)
        applied = _applied(bundle, level)
        whole = wanted.updated is None or UPDATED not in applied
        since = None if DATE in applied else wanted.since.isoformat()
        count, pages, needed, recent = 0, 0, set[str](), set[str]()
        seen = {url}
        while True:
            for resource in _resources(bundle):
                if resource.get("resourceType") == "Appointment":
                    if since and str(resource.get("start") or since) < since:
                        continue
                    mark = _mark(resource, at - OVERLAP)
                    recent.update(mark)
                    if not whole and wanted.seen.issuperset(mark or {""}):
                        continue
                    slim = slim_appointment(resource, self._base)
                    file.add(slim)
                    needed.update(nameless(slim))
                    count += 1
                elif resource.get("resourceType") in NAMED:
                    self._keep(resource)
            self._request.progress(count, _total(bundle))
            self._check_size(count, file.size)
            url = self._server.next_page(bundle, url)
            if not url or (self._request.most and count >= self._request.most):
                break
            pages += 1
            if url in seen or pages > MOST_PAGES:
                raise _endless(self._place)
            seen.add(url)
            bundle = self._page(url)
        self._add_names(file, needed)
        few = recent if len(recent) <= MOST_SEEN else ()
        return Found(count=count, whole=whole, at=at, recent=frozenset(few))

    # ── pages ─────────────────────────────────────────────────────────────────────────────────

    def _first(self, wanted: SearchScope) -> tuple[Resource, HttpAnswer, str, frozenset[str]]:
        """The first page, of the fullest search that the server understands."""
        place, level = self._known.level, LEVELS[self._known.level]
        while True:
            url = self._server.address(f"Appointment?{self._query(wanted, level)}")
            try:
                bundle, answer = self._server.get(url)
            except FhirRefusal as refused:
                lower = place + 1
                if wanted.updated is None and lower == LEVELS.index(frozenset({DATE})):
                    lower += 1  # it was not asked for by _lastUpdated
                if not refused.of_the_search or lower >= len(LEVELS):
                    raise refused.error from None
                if refused.status == 403 and INCLUDE not in level:
                    raise refused.error from None
                place, level = lower, LEVELS[lower]
                continue
            if bundle["resourceType"] != "Bundle":
                raise SourceUnreachable(
                    f"What {self._place} sends is no list of appointments.",
                    "Check the address: it ends before “/Appointment”.",
                    reason=SourceTrouble.UNREADABLE,
                )
            self._known.level = place
            return bundle, answer, url, level

    def _query(self, wanted: SearchScope, level: frozenset[str]) -> str:
        count = min(PAGE, self._request.most or PAGE)
        parts = [("_count", str(count)), *wanted.more]
        if DATE in level:
            parts.append((DATE, f"ge{wanted.since.isoformat()}"))
        if UPDATED in level and wanted.updated is not None:
            parts.append((UPDATED, f"ge{wanted.updated:%Y-%m-%dT%H:%M:%SZ}"))
        if INCLUDE in level:
            parts += [(INCLUDE, each) for each in INCLUDES]
        return urlencode(parts, safe=":")

    def _page(self, url: str) -> Resource:
        try:
            return self._server.get(url)[0]
        except FhirRefusal as refused:
            if refused.status in {404, 410}:
                raise Expired from None
            raise refused.error from None

    def _check_size(self, count: int, size: int) -> None:
        if count > ROW_LIMIT or size > SIZE_LIMIT:
            raise SourceUnreachable(
                f"{self._place} has more than {ROW_LIMIT:,} appointments, or very long ones, so "
                "nothing was taken.",
                "Let the source go fewer days back, or ask for one place only.",
                reason=SourceTrouble.LARGE,
            )

    # ── names ─────────────────────────────────────────────────────────────────────────────────

    def _keep(self, resource: Resource) -> None:
        slim = slim_named(resource, self._base)
        with self._known.lock:
            self._known.names[reference_of(slim)] = slim

    def _add_names(self, file: ResourcesFile, needed: set[str]) -> None:
        """The resources that the file's appointments refer to, and those behind their roles."""
        wanted, written = needed, set[str]()
        while wanted:
            self._look_up(sorted(wanted - self._known.names.keys()))
            behind = set[str]()
            for reference in sorted(wanted):
                resource = self._known.names.get(reference)
                written.add(reference)
                if resource:
                    file.add(resource)
                    behind.update(_behind(resource))
            wanted = behind - written

    def _look_up(self, references: Sequence[str]) -> None:
        by_type: dict[str, list[str]] = {}
        for each in references:
            kind, _slash, number = each.partition("/")
            if kind in NAMED:
                by_type.setdefault(kind, []).append(number)
        if len(self._known.names) > MOST_NAMES:
            self._known.names.clear()
        for kind, numbers in by_type.items():
            for place in range(0, len(numbers), _AT_ONCE):
                some = numbers[place : place + _AT_ONCE]
                if len(some) > 1 and self._known.by_id and self._listed(kind, some):
                    continue
                for number in some:
                    self._read(kind, number)

    def _listed(self, kind: str, numbers: Sequence[str]) -> bool:
        """Ask for them together; False where the server does not understand that."""
        query = urlencode({"_id": ",".join(numbers), "_count": _AT_ONCE}, safe=",")
        url = self._server.address(f"{kind}?{query}")
        try:
            bundle = self._server.get(url)[0]
            while True:
                for resource in _resources(bundle):
                    if resource.get("resourceType") in NAMED:
                        self._keep(resource)
                self._request.stop.check()
                url = self._server.next_page(bundle, url)
                if not url:
                    break
                bundle = self._server.get(url)[0]
        except FhirRefusal as refused:
            if not refused.of_the_search:
                raise refused.error from None
            self._known.by_id = False
            return False
        for each in numbers:  # deleted, or not for us to see
            self._known.names.setdefault(f"{kind}/{each}", {})
        return True

    def _read(self, kind: str, number: str) -> None:
        self._request.stop.check()
        try:
            resource = self._server.get(self._server.address(f"{kind}/{number}"))[0]
        except FhirRefusal as refused:
            if refused.status not in {403, 404, 410}:
                raise refused.error from None
            self._known.names[f"{kind}/{number}"] = {}
        else:
            self._keep({**resource, "resourceType": kind, "id": number})


def _resources(bundle: Resource) -> Iterator[Resource]:
    for entry in bundle.get("entry") or ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield resource


def _behind(resource: Resource) -> Iterator[str]:
    role = resource.get("practitioner")
    if isinstance(role, dict) and role.get("reference") and not role.get("display"):
        yield str(role["reference"])


def _applied(bundle: Resource, level: frozenset[str]) -> frozenset[str]:
    """What of the search the server says that it looked at."""
    said = link(bundle, "self")
    if not said:
        return level
    names = {name.partition(":")[0] for name, _ in parse_qsl(urlsplit(said).query)}
    # A server whose link is a page of its own says nothing of its parameters.
    return level & names if names & {UPDATED, DATE, "_count"} else level


def _clock_of(answer: HttpAnswer, now: datetime) -> datetime:
    """The server's own time, where it says it."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return now


def _mark(resource: Resource, since: datetime) -> frozenset[str]:
    """Of this version of it, where it changed since then (or may have)."""
    meta = resource.get("meta")
    changed = str(meta.get("lastUpdated") or "") if isinstance(meta, dict) else ""
    try:
        if datetime.fromisoformat(changed) < since:
            return frozenset()
    except (ValueError, TypeError):
        return frozenset()
    text = f"{resource.get('id')} {changed}"
    return frozenset({hashlib.sha256(text.encode()).hexdigest()[:16]})


def _total(bundle: Resource) -> int | None:
    total: Any = bundle.get("total")
    return total if isinstance(total, int) else None


def _endless(place: str) -> SourceUnreachable:
    return SourceUnreachable(
        f"The pages of {place} lead in a circle, so nothing of them was taken.",
        "Ask whoever runs it; it is tried again by itself.",
        reason=SourceTrouble.BROKEN,
    )
