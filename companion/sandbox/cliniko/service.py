"""ClinikoService: the simulated interface, request by request, without a network.

In this order: `User-Agent` and `Accept`, the key, the rate limit, faults, the path, the query. Two
hundred requests a minute for each key, counted from one full minute to the next; one more is
answered with 429 and the moment at which the limit ends.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from companion.sandbox.cliniko import people
from companion.sandbox.cliniko.account import (
    BLOCK,
    GROUP,
    INDIVIDUAL,
    ClinikoRecord,
    SimulatedClinikoAccount,
    Table,
)
from companion.sandbox.cliniko.queries import BadQuery, ClinikoQuery, read_query
from companion.sandbox.cliniko.wire import Json, written
from companion.sandbox.faults import Faults
from companion.sandbox.wire import ApiRequest, Reply, date_header, json_reply

API = "/v1"
KEY = "MS0xMzkwMDUzODYzMTAwMDAwMDAwLXNpbXVsYXRlZA-au1"
"""The key of the demo and of tests; its shard follows the last hyphen."""
_AGENT = re.compile(r"[^()]*[^()\s][^()]* \(([^()\s@]+@[^()\s@]+\.[^()\s@]+)\)")
_PLAIN = frozenset({"created_at", "id", "updated_at"})
_BOOKINGS = _PLAIN | {
    "archived_at", "business_id", "ends_at", "practitioner_id", "starts_at",
}  # fmt: skip
_FILTERS = {
    "bookings": _BOOKINGS | {"cancelled_at", "patient_ids"},
    INDIVIDUAL: _BOOKINGS
    | {"appointment_type_id", "cancelled_at", "patient_id", "repeated_from_id"},
    GROUP: _BOOKINGS | {"appointment_type_id", "deleted_at", "patient_ids", "repeated_from_id"},
    BLOCK: _BOOKINGS | {"repeated_from_id"},
    "attendees": _PLAIN | {"archived_at", "booking_id", "cancelled_at", "deleted_at", "patient_id"},
    "practitioners": _PLAIN | {"user_id"},
    "businesses": _PLAIN,
    "appointment_types": _PLAIN | {"archived_at", "category"},
    "unavailable_block_types": _PLAIN | {"archived_at"},
    "patients": _PLAIN | {"archived_at", "first_name", "last_name"},
}
_DELETED = frozenset({"deleted_at", "id", "starts_at"})
"""All that a list of deleted records may be filtered by."""
_KINDS = (INDIVIDUAL, GROUP, BLOCK)


@dataclass(slots=True, kw_only=True)
class ClinikoPolicy:
    per_minute: int | None = 200
    patients: bool = True
    """The key's user may see clients."""


class ClinikoService:
    """Threads share it: it answers one request at a time."""

    def __init__(
        self,
        account: SimulatedClinikoAccount,
        *,
        key: str = KEY,
        policy: ClinikoPolicy | None = None,
    ) -> None:
        self.account = account
        self.key = key
        self.policy = policy or ClinikoPolicy()
        self.faults = Faults()
        self.requests = 0
        """To the interface; pages do not count."""
        self.peak = 0
        """Most requests within one minute of the clock."""
        self.observers: list[Callable[[ApiRequest], None]] = []
        self.lock = threading.RLock()
        self._minutes: Counter[int] = Counter()
        self._found: dict[tuple[object, ...], list[ClinikoRecord]] = {}
        self._version = -1

    def reply(self, request: ApiRequest) -> Reply:
        with self.lock:
            if request.path == API or request.path.startswith(f"{API}/"):
                for observer in self.observers:
                    observer(request)
                reply = self._answer(request)
                reply.headers.append(("Date", date_header(self.account.now())))
                return reply
            return people.answer(self.account, request, self.key)

    def _answer(self, request: ApiRequest) -> Reply:
        self.requests += 1
        if _AGENT.fullmatch(request.headers.get("user-agent", "")) is None:
            return _refused(403, "Requests need a User-Agent with a name and a contact e-mail.")
        if "application/json" not in request.headers.get("accept", ""):
            return _refused(406, "Only application/json is served.")
        if not self._is_key(request.headers.get("authorization", "")):
            challenge = ("WWW-Authenticate", 'Basic realm="Application"')
            return _refused(401, "The API key is not valid.", challenge)
        now = self.account.now()
        if (limited := self._limited(now)) is not None:
            return limited
        fault = self.faults.strike(f"{request.method} {request.path}")
        if fault is None:
            return self._served(request)
        return fault.carry_out(
            lambda: self._served(request),
            lambda: _refused(fault.status, "Something went wrong."),
        )

    def _is_key(self, header: str) -> bool:
        scheme, _space, text = header.partition(" ")
        try:
            pair = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        bare = self.key.rpartition("-")[0]
        return scheme == "Basic" and pair in {f"{self.key}:", f"{bare}:"}

    def _limited(self, now: datetime) -> Reply | None:
        minute = int(now.timestamp()) // 60
        self._minutes[minute] += 1
        self.peak = max(self.peak, self._minutes[minute])
        if self.policy.per_minute is None or self._minutes[minute] <= self.policy.per_minute:
            return None
        reset = ("X-RateLimit-Reset", str((minute + 1) * 60))
        return _refused(429, "Rate limit exceeded.", reset)

    # ── paths ─────────────────────────────────────────────────────────────────────────────────

    def _served(self, request: ApiRequest) -> Reply:
        if request.method != "GET":
            return _refused(404, "Not found")  # this program reads only
        base = f"http://{request.headers.get('host', '')}{API}"
        parts = request.path.removeprefix(f"{API}/").split("/")
        try:
            return self._routed(request, parts, base)
        except BadQuery as wrong:
            return _refused(400, str(wrong))

    def _routed(self, request: ApiRequest, parts: list[str], base: str) -> Reply:
        account, zone = self.account, self.account.time_zone
        match parts:
            case ["user"]:
                return json_reply({"id": "1", "role": "administrator", "time_zone": zone})
            case ["settings", "public"]:
                return json_reply({"account": {"name": account.name, "time_zone": zone}})
            case ["patients", *_rest] if not self.policy.patients:
                return _refused(403, "Forbidden")
            case ["practitioners", "inactive"]:
                return self._list(request, "practitioners", base, inactive=True)
            case [table, "deleted"] if account.deletes_apart and table in _FILTERS:
                return self._list(request, table, base, deleted=True)
            case [table] if table in _FILTERS:
                return self._list(request, table, base)
            case [table, number] if table in _FILTERS and number.isdecimal():
                return self._one(table, int(number), base)
        return _refused(404, "Not found")

    def _one(self, table: str, number: int, base: str) -> Reply:
        record = self._table(table).get(number)
        if record is None or not self._is_of(table, record) or record.deleted_at is not None:
            return _refused(404, "Not found")
        return json_reply(written(self.account, table, record, base))

    def _list(
        self,
        request: ApiRequest,
        table: str,
        base: str,
        *,
        deleted: bool = False,
        inactive: bool = False,
    ) -> Reply:
        filters = _DELETED if deleted else _FILTERS[table]
        query = read_query(request.query, filters, hides=not deleted)
        key = (request.path, query.asked)
        if self._version != self.account.version:
            self._found.clear()
            self._version = self.account.version
        found = self._found.get(key)
        if found is None:
            records: Iterable[ClinikoRecord] = (
                each
                for each in self._table(table).values()
                if self._is_of(table, each)
                and (each.deleted_at is not None) is deleted
                and (table != "practitioners" or each.fields["active"] is not inactive)
            )
            found = self._found[key] = query.matching(records)
        first = (query.page - 1) * query.per_page
        shown = found[first : first + query.per_page]
        return json_reply(
            {
                table: [written(self.account, table, each, base) for each in shown],
                "total_entries": len(found),
                "links": _links(request, query, len(found)),
            }
        )

    def _table(self, table: str) -> Table:
        found: Table = getattr(self.account, "bookings" if table in _KINDS else table)
        return found

    def _is_of(self, table: str, record: ClinikoRecord) -> bool:
        return table not in _KINDS or record.fields["kind"] == table


def _links(request: ApiRequest, query: ClinikoQuery, total: int) -> Json:
    place = f"http://{request.headers.get('host', '')}{request.path}"

    def page(number: int) -> str:
        return f"{place}?{urlencode([*query.asked, ('page', str(number))])}"

    found = {"self": page(query.page)}
    if query.page * query.per_page < total:
        found["next"] = page(query.page + 1)
    if query.page > 1:
        found["previous"] = page(query.page - 1)
    return found


def _refused(status: int, message: str, *headers: tuple[str, str]) -> Reply:
    return json_reply({"message": message}, status, *headers)
