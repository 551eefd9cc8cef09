"""A simulated Nookal, as far as its interface is described in public: posted forms, one envelope.

Stricter than Nookal may be: a parameter that no description names, a date of another form or a page
of more than 200 is a failure. A failure is an answer of status 200 that says so inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from companion.sandbox.faults import Faults
from companion.sandbox.wire import ApiRequest, Reply, date_header, json_reply

API = "/production/v2/"
KEY = "simulated-nookal-key-0123456789"
_PAGING = frozenset({"api_key", "page", "page_length"})
_ALLOWED: Mapping[str, frozenset[str]] = {
    "verify": frozenset({"api_key"}),
    "getLocations": _PAGING,
    "getPractitioners": _PAGING,
    "getPatients": _PAGING | {"last_modified"},
    "searchPatients": _PAGING | {"patient_id", "first_name", "last_name", "email", "date_of_birth"},
    "getAppointments": _PAGING
    | {
        "appt_status", "date_from", "date_to", "last_modified", "location_id", "patient_id",
        "practitioner_id",
    },
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

Json = dict[str, Any]
Rows = dict[int, Json]


class _Failure(Exception):
    """`code` and words of Nookal's."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass
class NookalService:
    """Moments are wall time of the one place; `now` gives it, naive."""

    now: Callable[[], datetime]
    key: str = KEY
    locations: Rows = field(default_factory=dict)
    practitioners: Rows = field(default_factory=dict)
    patients: Rows = field(default_factory=dict)
    appointments: Rows = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    requests: int = 0
    observers: list[Callable[[ApiRequest], None]] = field(default_factory=list)

    # ── the practice ──────────────────────────────────────────────────────────────────────────

    def add_location(self, name: str, zone: str) -> int:
        return _add(self.locations, {"Name": name, "Timezone": zone, "Country": "Australia"})

    def add_practitioner(self, first: str, last: str) -> int:
        return _add(self.practitioners, {"FirstName": first, "LastName": last, "locations": [1]})

    def add_patient(self, first: str, last: str) -> int:
        return _add(self.patients, {"FirstName": first, "LastName": last})

    def book(self, practitioner: int, patient: int, start: datetime, *, minutes: int = 45) -> int:
        """`start`: wall time."""
        row = {
            "patientID": str(patient),
            "practitionerID": str(practitioner),
            "locationID": "1",
            "appointmentType": "Follow-up",
            "appointmentTypeID": "1",
            "arrived": "0",
            "cancelled": "0",
            "DNA": "0",
            "cancellationDate": None,
            "Notes": None,
            "dateCreated": _stamp(self.now()),
            **self._times(start, minutes),
        }
        return _add(self.appointments, row)

    def move(self, number: int, start: datetime, minutes: int = 45) -> None:
        self.edit(number, **self._times(start, minutes))

    def edit(self, number: int, **fields: Any) -> None:
        self.appointments[number] |= {**fields, "lastModified": _stamp(self.now())}

    def _times(self, start: datetime, minutes: int) -> Json:
        end = start + timedelta(minutes=minutes)
        return {
            "appointmentDate": f"{start:%Y-%m-%d}",
            "appointmentStartTime": f"{start:%H:%M:%S}",
            "appointmentEndTime": f"{end:%H:%M:%S}",
            "lastModified": _stamp(self.now()),
        }

    # ── the interface ─────────────────────────────────────────────────────────────────────────

    def reply(self, request: ApiRequest) -> Reply:
        self.requests += 1
        for observer in self.observers:
            observer(request)
        fault = self.faults.strike(f"{request.method} {request.path}")
        if fault is None:
            reply = self._answer(request)
        else:
            reply = fault.carry_out(
                lambda: self._answer(request), lambda: Reply(status=fault.status, body=b"{}")
            )
        reply.headers.append(("Date", date_header(self.now().astimezone())))
        return reply

    def _answer(self, request: ApiRequest) -> Reply:
        call = request.path.removeprefix(API)
        if not request.path.startswith(API) or call not in _ALLOWED:
            return Reply(status=404, body=b"Not found")
        posted = request.method == "POST"
        if posted and "x-www-form-urlencoded" not in request.headers.get("content-type", ""):
            return Reply(status=415)
        text = request.body.decode() if posted else request.query
        try:
            return json_reply(self._call(call, dict(parse_qsl(text, keep_blank_values=True))))
        except _Failure as failure:
            details = {"errorCode": failure.code, "errorMessage": str(failure)}
            return json_reply({"status": "failure", "details": details})

    def _call(self, call: str, given: Mapping[str, str]) -> Json:
        if "api_key" not in given:
            raise _Failure("L000_1", "Missing variable: api_key")
        if given["api_key"] != self.key:
            raise _Failure("L000_2", "Invalid api_key")
        if unknown := given.keys() - _ALLOWED[call]:
            raise _Failure("L000_3", f"Unknown variable: {min(unknown)}")
        if call == "verify":
            return {"status": "success", "data": {"api_call": call, "results": {}}}
        table = call.removeprefix("get").removeprefix("search").lower()
        rows = [each for each in getattr(self, table).values() if _fits(each, given)]
        return _page(call, table, rows, given)


def _fits(row: Json, given: Mapping[str, str]) -> bool:
    for name, shape in (("date_from", _DATE), ("date_to", _DATE), ("last_modified", _MOMENT)):
        if name in given and not shape.fullmatch(given[name]):
            raise _Failure("L000_4", f"Invalid variable: {name}")
    if "patient_id" in given:
        own = row["patientID"] if "patientID" in row else row["ID"]
        if own != given["patient_id"]:
            return False
    day, changed = str(row.get("appointmentDate", "")), str(row.get("lastModified", "9999"))
    in_time = given.get("date_from", "") <= day <= given.get("date_to", "9999")
    return in_time and changed >= given.get("last_modified", "")


def _page(call: str, table: str, rows: list[Json], given: Mapping[str, str]) -> Json:
    page, length = given.get("page", "1"), given.get("page_length", "100")
    if not (page.isdecimal() and length.isdecimal() and int(page) and 0 < int(length) <= 200):
        raise _Failure("L000_4", "Invalid variable: page")
    first = (int(page) - 1) * int(length)
    shown = rows[first : first + int(length)]
    more = first + len(shown) < len(rows)
    return {
        "status": "success",
        "data": {"api_call": call, "results": {table: shown}},
        "details": {"totalItems": len(rows), "currentItems": len(shown)},
        "settings": {
            "currentPage": page,
            "nextPage": int(page) + 1 if more else None,
            "pageLength": int(length),
        },
    }


def _add(rows: Rows, row: Json) -> int:
    number = max(rows, default=0) + 1
    rows[number] = {"ID": str(number), **row}
    return number


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
