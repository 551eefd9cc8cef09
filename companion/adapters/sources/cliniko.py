"""Cliniko: its bookings, fetched through the REST interface with an API key.

    without a cursor   every booking from some weeks ago on, page by page: whole
    with a cursor      what was updated since, cancelled and archived ones too

`/bookings` lists individual appointments, group appointments and unavailable blocks alike, so that
an unchanged account costs one request; one more where it has groups, whose clients (attendees) can
change without them; and some more where deleted ones stand in lists of their own, as they did until
2022. An appointment is one row, a group one row for each of its clients and one for itself,
and an unavailable block a reservation.

A moment is the server's own. Each fetch goes back some minutes behind the last one, because a
change may become visible later than it is dated; what was seen then already is left out.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from companion.adapters.network.route import is_loopback
from companion.adapters.sources.cliniko_api import (
    ClinikoApi,
    Json,
    linked,
    read_key,
    stamp,
    text,
)
from companion.adapters.sources.cliniko_names import ARCHIVED_TOO, ClinikoNames
from companion.adapters.sources.cliniko_rows import HEADINGS, ClinikoRows, is_group
from companion.adapters.sources.days_back import DAYS_BACK, days_back
from companion.adapters.sources.pace import Pace
from companion.adapters.sources.web import SourceWeb
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.services.sources.remote import (
    FetchAnswer,
    FetchRequest,
    SourceField,
    SourceKind,
    SourcePlace,
)
from companion.services.sources.rows_file import RowsFile

ROOT = "https://api.{shard}.cliniko.com"
OVERLAP = timedelta(minutes=5)
UNSURE = timedelta(minutes=5)
"""Further back, where the server does not say its own time."""
SETTLED = timedelta(seconds=2)
"""Moments are whole seconds: what changed just before it was read may change within that second
again, and is read once more."""
MOST_SEEN = 500
BURST, RATE = 30, 2.6
"""Cliniko takes 200 requests a minute of one user; some are left to others who use the key."""
_CANCELLED_TOO = "cancelled_at:*"
_KINDS = ("individual_appointments", "group_appointments", "unavailable_blocks")
_EMAIL = re.compile(r"[^\s@()<>]+@[^\s@()<>]+\.[^\s@()<>]+")
_REFUSED = "does not accept the API key, or its user may not see the appointments"
_ANEW = "Make a new API key in Cliniko (My info, Manage API keys) and give it here."

KIND = SourceKind(
    name="cliniko",
    title="Cliniko",
    about="Fetched from Cliniko with the API key of a user who may see every calendar.",
    secret=SourceField(
        name="secret",
        label="API key",
        hint="In Cliniko: your name at the bottom left, My info, Manage API keys.",
    ),
    fields=(
        SourceField(
            name="contact",
            label="Contact e-mail",
            hint="Cliniko wants to know whom to write to if something is wrong.",
        ),
        DAYS_BACK,
    ),
    every=timedelta(minutes=5),
    soonest=timedelta(minutes=1),
)


class ClinikoSource:
    """A RemoteSource. One per process: the pace of each key and its names are shared."""

    def __init__(
        self,
        root: str = "",
        *,
        rate: float = RATE,
        burst: int = BURST,
        retries: Sequence[float] = (2.0, 8.0),
        patience: float = 90.0,
        monotonic: Callable[[], float] = time.monotonic,
        limits: Mapping[str, Any] | None = None,
    ) -> None:
        """`root`: COMPANION_CLINIKO_API, of the interface, without /v1; empty for Cliniko's own;
        raises BadInput for one that would carry keys in clear over a network. `retries` and
        `patience`: as ClinikoApi takes them. `limits`: of SourceWeb."""
        self._root = root.rstrip("/") or ROOT
        where = urlsplit(self._root)
        here = is_loopback(where.hostname or "")
        if where.scheme != "https" and not here:
            raise BadInput(
                "COMPANION_CLINIKO_API is not a secure address.",
                "Use one that begins with https://, or remove the variable.",
                field="COMPANION_CLINIKO_API",
            )
        self._where = " on this computer" if here else f" at {where.netloc}" if root else ""
        self.kind = replace(KIND, title=f"{KIND.title}{self._where}")
        self._pace: Callable[[], Pace] = lambda: Pace(rate, burst, monotonic=monotonic)
        self._retries = retries
        self._patience = patience
        self._limits = limits or {}
        self._paces: dict[str, Pace] = {}
        self._names: dict[str, ClinikoNames] = {}
        self._lock = threading.Lock()

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        key = read_key(secret)
        if key is None:
            raise BadInput("That is no API key of Cliniko.", _ANEW, field="secret")
        contact = fields.get("contact", "").strip()
        if not _EMAIL.fullmatch(contact) or not contact.isascii():
            raise BadInput(
                "Cliniko needs an e-mail address of the practice.",
                "Type one, such as reception@clinic.example.",
                field="contact",
            )
        return SourcePlace(
            place=f"Cliniko{self._where or f' ({key.shard})'}",
            secret=key.text,
            fields={"contact": contact, DAYS_BACK.name: str(days_back(fields))},
        )

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        place = self.check(request.fields, request.secret)
        key = read_key(place.secret)
        assert key is not None  # noqa: S101 - `check` has read it
        with self._lock:
            pace = self._paces.setdefault(key.digest, self._pace())
            names = self._names.setdefault(key.digest, ClinikoNames())
        with SourceWeb(
            place.place, request.stop, anew=_ANEW, refused=_REFUSED, **self._limits
        ) as web:
            api = ClinikoApi(
                self._root,
                key,
                place.fields["contact"],
                web=web,
                stop=request.stop,
                pace=pace,
                retries=self._retries,
                patience=self._patience,
            )
            fetch = _Fetch(request, api, names, days_back(place.fields))
            cursor = Cursor.read(request.cursor)
            return fetch.whole() if cursor is None else fetch.changes(cursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    since: str
    """The moment from which changes are asked for."""
    groups: bool = False
    """The account has group appointments."""
    deleted_lists: bool = False
    """The account has lists of what was deleted."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Records that changed within the overlap, with the moment of it."""

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """None for none, or one of another version: everything is then fetched."""
        try:
            return cls(**json.loads(text)) if text else None
        except (TypeError, ValueError):
            return None

    def written(self) -> str:
        return json.dumps(asdict(self))


class _Fetch:
    def __init__(
        self, request: FetchRequest, api: ClinikoApi, names: ClinikoNames, days: int
    ) -> None:
        self._request = request
        self._api = api
        self._names = names
        self._start = request.now - timedelta(days=days)
        self._moment: datetime | None = None
        self._stamps: dict[str, str] = {}

    # ── everything ────────────────────────────────────────────────────────────────────────────

    def whole(self) -> FetchAnswer:
        if self._request.most is not None:
            return self._sample(self._request.most)
        self._names.forget()
        for _try in range(3):
            answer = self._read_whole()
            if answer is not None:
                return answer
        raise SourceUnreachable(
            "Cliniko's appointments changed so much while they were read that some may be missing, "
            "so nothing was taken.",
            reason=SourceTrouble.BROKEN,
        )

    def _read_whole(self) -> FetchAnswer | None:
        """None where bookings went out of the list meanwhile: pages then shift, and one may have
        slipped through. Archived ones are read, and left out here, so that this hardly happens."""
        self._moment = None
        filters = [f"starts_at:>={stamp(self._start)}", _CANCELLED_TOO, ARCHIVED_TOO]
        ids: set[str] = set()
        groups = False
        total: int | None = None
        with self._rows() as file:
            rows = ClinikoRows(file, self._api, self._names, self._request.timezone)
            for page in self._api.pages("bookings", filters):
                if page.total is not None and total is not None and page.total < total:
                    break
                total = page.total
                self._note_moment(page.moment)
                for each in page.rows:
                    self._note(each)
                    ids.add(text(each, "id"))
                    groups = groups or is_group(each)
                rows.add([each for each in page.rows if not text(each, "archived_at")])
                self._request.progress(len(ids), total)
        if total is not None and len(ids) != total:
            file.path.unlink()
            return None
        cursor = self._cursor(groups=groups, deleted_lists=self._has_deleted_lists())
        return FetchAnswer(file=file.path, whole=True, cursor=cursor)

    def _sample(self, most: int) -> FetchAnswer:
        """The next few, for a person who only tries it."""
        filters = [f"starts_at:>={stamp(self._request.now)}"]
        with self._rows() as file:
            rows = ClinikoRows(file, self._api, self._names, self._request.timezone)
            pages = self._api.pages(
                "bookings", filters, sort="starts_at:asc", per_page=min(max(most, 1), 100)
            )
            for page in pages:
                rows.add(page.rows)
                self._request.progress(file.count, page.total)
                if file.count >= most:
                    break
        return FetchAnswer(file=file.path, whole=False)

    def _has_deleted_lists(self) -> bool:
        try:
            probe = self._api.pages(_KINDS[0], path=f"{_KINDS[0]}/deleted", sort="", per_page=1)
            next(iter(probe))
        except SourceUnreachable as error:
            if error.detail.startswith("HTTP 4") and error.reason is not SourceTrouble.RATE_LIMITED:
                return False
            raise
        return True

    # ── what changed ──────────────────────────────────────────────────────────────────────────

    def changes(self, cursor: Cursor) -> FetchAnswer:
        since = [f"updated_at:>{cursor.since}", _CANCELLED_TOO, ARCHIVED_TOO]
        groups = cursor.groups
        with self._rows() as file:
            rows = ClinikoRows(file, self._api, self._names, self._request.timezone)
            for page in self._api.pages("bookings", since):
                self._note_moment(page.moment)
                fresh = [each for each in page.rows if self._note(each, cursor)]
                groups = groups or any(map(is_group, page.rows))
                rows.add(fresh)
                self._request.progress(file.count, page.total)
            if groups:
                self._add_groups(rows, since, cursor)
            if cursor.deleted_lists and not self._add_deleted(rows, cursor):
                file.path.unlink()
                return self.whole()
        following = self._cursor(groups=groups, deleted_lists=cursor.deleted_lists)
        if not file.count:
            return FetchAnswer(whole=False, cursor=following)
        return FetchAnswer(file=file.path, whole=False, cursor=following)

    def _add_groups(self, rows: ClinikoRows, since: Sequence[str], cursor: Cursor) -> None:
        """Groups whose clients changed."""
        attendees = [*self._api.rows("attendees", since)]
        if cursor.deleted_lists:
            gone = [f"deleted_at:>{cursor.since}"]
            attendees += self._api.rows("attendees", gone, path="attendees/deleted", sort="")
        changed = {
            linked(each, "booking") for each in attendees if self._note(each, cursor, "attendee ")
        }
        others = sorted(changed - rows.groups - {""})
        if others:
            found = self._api.rows_of("group_appointments", "id", others, [ARCHIVED_TOO])
            rows.add([*found])

    def _add_deleted(self, rows: ClinikoRows, cursor: Cursor) -> bool:
        """False where a deleted booking is listed without what it was. One that stands in the
        book all the same is not deleted: lists have been seen to disagree."""
        gone: dict[str, Json] = {}
        for table in _KINDS:
            path = f"{table}/deleted"
            for page in self._api.pages(table, [f"deleted_at:>{cursor.since}"], path=path, sort=""):
                gone |= {text(each, "id"): each for each in page.rows}
        fresh = {number: each for number, each in gone.items() if self._note(each, cursor)}
        if not fresh:
            return True
        there = self._api.rows_of("bookings", "id", sorted(fresh), [_CANCELLED_TOO, ARCHIVED_TOO])
        standing = {text(each, "id") for each in there}
        deleted = [each for number, each in fresh.items() if number not in standing]
        if not all(text(each, "starts_at") and linked(each, "practitioner") for each in deleted):
            return False
        rows.add(deleted)
        return True

    # ── the cursor ────────────────────────────────────────────────────────────────────────────

    def _rows(self) -> RowsFile:
        return RowsFile(self._request.folder, HEADINGS)

    def _note_moment(self, moment: datetime | None) -> None:
        """Of the first page: what changes later is of the next fetch."""
        if self._moment is None:
            self._moment = moment or self._request.now - UNSURE

    def _note(self, record: Json, cursor: Cursor | None = None, kind: str = "") -> bool:
        """Remember when it changed; False where that was seen at the last fetch. `kind`: where ids
        are of another series."""
        number, changed = f"{kind}{text(record, 'id')}", _changed(record)
        self._stamps[number] = changed
        return cursor is None or cursor.seen.get(number) != changed

    def _cursor(self, *, groups: bool, deleted_lists: bool) -> str:
        asked = self._moment or self._request.now - UNSURE
        since, settled = stamp(asked - OVERLAP), stamp(asked - SETTLED)
        seen = {number: at for number, at in self._stamps.items() if since < at < settled}
        return Cursor(
            since=since,
            groups=groups,
            deleted_lists=deleted_lists,
            seen=seen if len(seen) <= MOST_SEEN else {},
        ).written()


def _changed(record: Json) -> str:
    """Cliniko's own words compare as the moments they name."""
    return max(text(record, "updated_at"), text(record, "deleted_at"))
