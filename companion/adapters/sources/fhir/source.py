"""FhirSource: the appointments of a FHIR R4 server.

    GET {base}/Appointment?date=ge…[&_lastUpdated=ge…]&_include=… ─▶ pages ─▶ lines for the import

From some weeks ago on, as far ahead as there is any. What changed since the last fetch is asked for
by the server's own clock, less an overlap; once a day all of it, for deletions show in no search.
The program is let in by a token, or signs in with a key of its own (`sign_in`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from companion.adapters.sources.days_back import DAYS_BACK, days_back
from companion.adapters.sources.fhir.keys import content_of, is_key, read_key
from companion.adapters.sources.fhir.resources import ResourcesFile
from companion.adapters.sources.fhir.search import (
    OVERLAP,
    AppointmentSearch,
    Expired,
    Found,
    Known,
    SearchScope,
)
from companion.adapters.sources.fhir.server import PATIENCE, FhirServer
from companion.adapters.sources.fhir.sign_in import SCOPES, Client, FhirTokens
from companion.adapters.sources.web import SourceWeb
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.services.sources.addresses import is_this_computer
from companion.services.sources.remote import (
    FetchAnswer,
    FetchRequest,
    SourceField,
    SourceKind,
    SourcePlace,
)

_OURS = frozenset({"date", "_lastupdated", "_count", "_include", "_revinclude", "_format", "_sort"})
"""Search parameters that are not for a person to set."""

KIND = SourceKind(
    name="fhir",
    title="FHIR server",
    about="Fetched from a FHIR R4 server, with a token or a private key that it knows.",
    secret=SourceField(
        name="secret",
        label="Token or private key",
        hint="A bearer token; or the key (PEM or JWK, or @FILE) of SMART backend services.",
        required=False,
    ),
    fields=(
        SourceField(
            name="address",
            label="Address",
            hint="https://…, without “/Appointment” at its end.",
        ),
        SourceField(
            name="client_id",
            label="Client id",
            hint="With a private key: as the server registered this program.",
            required=False,
        ),
        SourceField(
            name="key_id",
            label="Key id",
            hint="Where the server gave the key a name of its own.",
            required=False,
        ),
        SourceField(
            name="scope",
            label="Scopes",
            hint="With a private key: what is asked for. Leave it unless told otherwise.",
            required=False,
            default=SCOPES,
        ),
        SourceField(
            name="filter",
            label="Only some appointments",
            hint="Search parameters, such as location=Location/12",
            required=False,
        ),
        DAYS_BACK,
    ),
)


class FhirSource:
    """A RemoteSource. One per process: tokens, names and what each server understands are kept."""

    kind = KIND

    def __init__(
        self,
        *,
        limits: Mapping[str, Any] | None = None,
        patience: float = PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`limits`: of SourceWeb. `patience`: seconds that are waited in one fetch where a server
        asks for it. `now`: by which it signs in."""
        self._limits = limits or {}
        self._patience = patience
        self._tokens = FhirTokens(now=now)
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        base = read_base(fields.get("address", ""))
        given = {name: fields.get(name, "").strip() for name in _NAMES}
        secret = secret.strip()
        if is_key(secret):
            secret = content_of(secret)
            read_key(secret)
            if not given["client_id"]:
                raise BadInput(
                    "With a private key the server must know the program by a client id.",
                    "Give the client id that the server's owner registered.",
                    field="client_id",
                )
        elif not (secret.isascii() and secret.isprintable() and " " not in secret):
            raise BadInput(
                "This is neither a token nor a private key.",
                "Copy the token anew; it is one word.",
                field="secret",
            )
        _parameters(given["filter"])
        kept = {**given, "address": base, DAYS_BACK.name: str(days_back(fields))}
        return SourcePlace(
            place=_host_of(base),
            secret=secret,
            fields={name: value for name, value in kept.items() if value},
        )

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        base, fields = read_base(request.fields["address"]), request.fields
        place = _host_of(base)
        known = self._known_of(f"{base} {fields.get('filter', '')}")
        zone = ZoneInfo(request.timezone)
        back = timedelta(days=days_back(fields))
        updated, seen = _read_cursor(request.cursor)
        if updated is None:  # somebody may have another name by now, the server learnt something
            known.names.clear()
            known.level, known.by_id = 0, True
        wanted = SearchScope(
            since=(request.now.astimezone(zone) - back).date(),
            updated=updated,
            seen=seen,
            more=_parameters(fields.get("filter", "")),
        )
        anew = "Check the address, the token or key, and the client id of this source."
        with SourceWeb(place, request.stop, anew=anew, **self._limits) as web:
            server = FhirServer(
                web,
                base,
                place,
                request.stop,
                lambda again: self._authorization(request, base, web, again=again),
                self._patience,
            )
            search = AppointmentSearch(server, base, place, known, request)
            file, found = _searched(search, wanted, request)
        cursor = json.dumps({"at": found.at.isoformat(), "seen": sorted(found.recent)})
        if not found.whole and not found.count:
            return FetchAnswer(cursor=cursor)
        return FetchAnswer(file=file.path, whole=found.whole, cursor=cursor, digest=file.digest)

    def _authorization(
        self, request: FetchRequest, base: str, web: SourceWeb, *, again: bool
    ) -> str:
        if not is_key(request.secret):
            return f"Bearer {request.secret}" if request.secret else ""
        fields = request.fields
        client = Client(
            base=base,
            place=_host_of(base),
            client_id=fields.get("client_id", ""),
            key=request.secret,
            key_id=fields.get("key_id", ""),
            scope=fields.get("scope") or SCOPES,
        )
        return f"Bearer {self._tokens.of(client, web, anew=again)}"

    def _known_of(self, name: str) -> Known:
        with self._lock:
            return self._known.setdefault(name, Known())


_NAMES = tuple(each.name for each in KIND.fields)


def _searched(
    search: AppointmentSearch, wanted: SearchScope, request: FetchRequest
) -> tuple[ResourcesFile, Found]:
    """A search whose pages run out of time is begun anew, once."""
    for last in (False, True):
        with ResourcesFile(request.folder) as file:
            try:
                return file, search.into(file, wanted)
            except Expired:
                if last:
                    break
    raise SourceUnreachable(
        "The FHIR server forgot its own pages before they could be read.",
        "It is tried again by itself; let the source go fewer days back if it stays so.",
        reason=SourceTrouble.BROKEN,
    )


def read_base(typed: str) -> str:
    """The base address without a slash at its end. Raises BadInput (field ``address``)."""
    text = typed.strip().strip('"<>').removeprefix("fhir+")
    try:
        parts = urlsplit(text)
        host, _port = (parts.hostname or "").casefold(), parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.scheme not in {"http", "https"} or not text.isprintable():
        raise BadInput(
            "This is not the address of a FHIR server.",
            "It begins with https:// and often ends with /fhir or /R4.",
            field="address",
        )
    if parts.scheme == "http" and not is_this_computer(host):
        raise BadInput(
            "This address is not secure: with http:// others could read the appointments.",
            "Ask for the server's address that begins with https://",
            field="address",
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadInput(
            "The address holds more than the place of the server.",
            "Leave out user, password and everything from a question mark on; a token has a field "
            "of its own, and so have search parameters.",
            field="address",
        )
    path = parts.path.rstrip("/")
    for end in ("/Appointment", "/metadata"):
        path = path.removesuffix(end)
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))


def _host_of(base: str) -> str:
    return urlsplit(base).hostname or ""


def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    """Raises BadInput (field ``filter``)."""
    found = tuple(parse_qsl(text.lstrip("?&"), keep_blank_values=True))
    names = {name.partition(":")[0].casefold() for name, _ in found}
    if (text and not found) or names & _OURS or not all(value for _, value in found):
        raise BadInput(
            "These are no search parameters that can be added.",
            "Write them as in an address: name=value, joined by &. Days and changes are asked for "
            "by the program itself.",
            field="filter",
        )
    return found


def _read_cursor(text: str) -> tuple[datetime | None, frozenset[str]]:
    """From when on changes are asked for, and what of them is known; None for everything."""
    try:
        found = json.loads(text)
        return datetime.fromisoformat(found["at"]) - OVERLAP, frozenset(found["seen"])
    except (ValueError, KeyError, TypeError):
        return None, frozenset()
