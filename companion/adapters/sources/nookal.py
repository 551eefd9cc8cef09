"""Nookal: its appointments, through the calls of its interface (version 2), with an API key.

A call is a form that is posted; a good answer says so inside. Times are the place's own. What zone
`last_modified` is of is not documented, so that each fetch asks for a day more than it would have
to; what then comes again means the same, and costs no plan. Names of clients come by calls of their
own, and stay in memory until everything is fetched anew. Classes are left out: how they are given
is not documented.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from companion.adapters.network.route import is_loopback
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

ROOT = "https://api.nookal.com"
PAGE_LENGTH = 200
OVERLAP = timedelta(hours=26)
AHEAD = timedelta(days=730)
FEW = 20
"""So many unknown clients are asked for one by one; else all clients there are."""
HEADINGS = (
    "ID", "Client ID", "Client First Name", "Client Last Name", "Appointment Date", "Start Time",
    "End Time", "Timezone", "Practitioner", "Appointment Type", "Location", "cancelled", "DNA",
    "Notes", "dateCreated", "lastModified",
)  # fmt: skip
_KEY = re.compile(r"[\w.=+/-]{8,200}", re.ASCII)
_BROKEN = SourceTrouble.BROKEN
_ANEW = "Make a new API key in Nookal (Setup, Integrations) and give it here."

Json = Mapping[str, Any]


@dataclass(slots=True)
class _Names:
    """What ids mean; of one key."""

    people: dict[str, str] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and time zone."""
    clients: dict[str, tuple[str, str]] = field(default_factory=dict)


class NookalSource:
    """A RemoteSource."""

    kind = SourceKind(
        name="nookal",
        title="Nookal",
        about="Fetched from Nookal with an API key, which needs the plan Professional or more.",
        secret=SourceField(name="secret", label="API key", hint="In Nookal: Setup, Integrations."),
        fields=(DAYS_BACK,),
    )

    def __init__(
        self,
        root: str = ROOT,
        *,
        rate: float = 2.0,
        burst: int = 10,
        monotonic: Callable[[], float] = time.monotonic,
        limits: Mapping[str, Any] | None = None,
    ) -> None:
        """`root`: https, or this computer's. `rate`, `burst`: as Pace takes them; Nookal names no
        limit. `limits`: of SourceWeb."""
        self._root = root
        if urlsplit(root).scheme != "https" and not is_loopback(urlsplit(root).hostname or ""):
            raise BadInput("Nookal's address is not a secure one.", field="root")
        self._pace = Pace(rate, burst, monotonic=monotonic)
        self._limits = limits or {}
        self._names: dict[str, _Names] = {}
        self._lock = threading.Lock()

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        key = secret.strip()
        if not _KEY.fullmatch(key):
            raise BadInput("That is no API key of Nookal.", _ANEW, field="secret")
        return SourcePlace(
            place="Nookal", secret=key, fields={DAYS_BACK.name: str(days_back(fields))}
        )

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        place = self.check(request.fields, request.secret)
        whole = not request.cursor
        with self._lock:
            names = self._names.setdefault(place.secret, _Names())
            if whole:
                names = self._names[place.secret] = _Names()
        with (
            SourceWeb(place.place, request.stop, anew=_ANEW, **self._limits) as web,
            RowsFile(request.folder, HEADINGS) as file,
        ):
            calls = _Calls(web, request, self._root, self._pace, place.secret)
            seen: set[str] = set()
            most = 0
            for rows, total in calls.pages("getAppointments", "appointments", _wanted(request)):
                calls.learn(names, {_text(each, "patientID") for each in rows})
                for each in rows:
                    seen.add(_text(each, "ID"))
                    file.add(_row(each, names))
                if total is not None and total < most:  # pages shifted: one may have slipped by
                    raise _unreadable("appointments went while they were read", _BROKEN)
                most = total or 0
                request.progress(len(seen), total)
                if request.most and len(seen) >= request.most:
                    return FetchAnswer(file=file.path, whole=False)
            if len(seen) < most:
                raise _unreadable("some appointments are missing", _BROKEN)
        cursor = request.now.isoformat()
        if not (whole or seen):
            return FetchAnswer(whole=False, cursor=cursor)
        return FetchAnswer(file=file.path, whole=whole, cursor=cursor)


def _wanted(request: FetchRequest) -> Mapping[str, str]:
    if request.cursor:
        since = datetime.fromisoformat(request.cursor) - OVERLAP
        return {"last_modified": f"{since:%Y-%m-%d %H:%M:%S}"}
    today = request.now.astimezone(ZoneInfo(request.timezone)).date()
    back = 0 if request.most else days_back(request.fields)
    return {
        "date_from": (today - timedelta(days=back)).isoformat(),
        "date_to": (today + AHEAD).isoformat(),
    }


def _row(each: Json, names: _Names) -> dict[str, object]:
    place, zone = names.places.get(_text(each, "locationID"), ("", ""))
    first, last = names.clients.get(_text(each, "patientID"), ("", ""))
    return {
        "ID": _text(each, "ID"),
        "Client ID": _text(each, "patientID"),
        "Client First Name": first,
        "Client Last Name": last,
        "Appointment Date": _text(each, "appointmentDate"),
        "Start Time": _text(each, "appointmentStartTime"),
        "End Time": _text(each, "appointmentEndTime"),
        "Timezone": zone,
        "Practitioner": names.people.get(_text(each, "practitionerID"), ""),
        "Appointment Type": _text(each, "appointmentType"),
        "Location": place,
        "cancelled": _text(each, "cancelled"),
        "DNA": _text(each, "DNA"),
        "Notes": _text(each, "Notes"),
        "dateCreated": _text(each, "dateCreated"),
        "lastModified": _text(each, "lastModified"),
    }


class _Calls:
    """Of one fetch."""

    def __init__(
        self, web: SourceWeb, request: FetchRequest, root: str, pace: Pace, key: str
    ) -> None:
        self._web = web
        self._request = request
        self._root = root
        self._pace = pace
        self._key = key

    def pages(
        self, call: str, table: str, given: Mapping[str, str]
    ) -> Iterator[tuple[list[Json], int | None]]:
        """Its rows, and how many there are on all pages. Raises SourceUnreachable, Stopped."""
        page, length = 1, min(self._request.most or PAGE_LENGTH, PAGE_LENGTH)
        while True:
            paging = {"page": str(page), "page_length": str(length)}
            document = self._call(call, {**given, **paging})
            try:
                rows = document["data"]["results"][table]
                details, settings = document.get("details") or {}, document.get("settings") or {}
                total, following = details.get("totalItems"), settings.get("nextPage")
                shaped = all(isinstance(each, dict) for each in rows)
                result = [*rows], None if total is None else int(total)
                following = int(following or details.get("nextPage") or 0)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise _unreadable(f"{call} cannot be read") from None
            if not shaped or 0 < following <= page:
                raise _unreadable(f"{call} cannot be read")
            yield result
            if not following:
                return
            page = following

    def learn(self, names: _Names, clients: Iterable[str]) -> None:
        """Names of everybody and every place, and of these clients."""
        if not names.people:
            names.people |= {_text(each, "ID"): _name(each) for each in self._all("Practitioners")}
            names.places |= {
                _text(each, "ID"): (_text(each, "Name"), _text(each, "Timezone"))
                for each in self._all("Locations")
            }
        unknown = {*clients} - names.clients.keys() - {"", "0"}
        if len(unknown) > FEW:
            found: Iterable[Json] = self._all("Patients")
        else:
            found = (
                each
                for number in sorted(unknown)
                for rows, _total in self.pages("searchPatients", "patients", {"patient_id": number})
                for each in rows
            )
        names.clients |= dict.fromkeys(unknown, ("", ""))
        names.clients |= {
            _text(each, "ID"): (_text(each, "FirstName"), _text(each, "LastName")) for each in found
        }

    def _all(self, what: str) -> Iterator[Json]:
        for rows, _total in self.pages(f"get{what}", what.lower(), {}):
            yield from rows

    def _call(self, call: str, given: Mapping[str, str]) -> Json:
        self._request.stop.wait(self._pace.take())
        document, _answer = self._web.json(
            f"{self._root}/production/v2/{call}",
            method="POST",
            headers={"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
            body=urlencode({**given, "api_key": self._key}).encode(),
        )
        if isinstance(document, dict) and document.get("status") == "success":
            return document
        said = str(document).casefold()
        if "api" in said and "key" in said:
            raise SourceUnreachable(
                "Nookal does not accept the API key.", _ANEW, reason=SourceTrouble.CREDENTIALS
            )
        raise _unreadable(f"{call} was refused", _BROKEN)


def _name(person: Json) -> str:
    return f"{_text(person, 'FirstName')} {_text(person, 'LastName')}".strip()


def _text(record: Json, name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value).strip()


def _unreadable(what: str, reason: SourceTrouble = SourceTrouble.UNREADABLE) -> SourceUnreachable:
    return SourceUnreachable(
        f"What Nookal sends is not as expected: {what}.",
        "It is tried again by itself. If it stays so, look for a newer Calendar Companion.",
        reason=reason,
    )
