"""FhirService: the simulated FHIR interface, request by request, without a network.

In this order: the token endpoint and SMART's configuration, which are open; the bearer token; what
may be accepted; faults; the path; the search. Pages are kept under a number of their own, as HAPI
does, and are gone after a while.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode

from companion.sandbox.faults import Faults
from companion.sandbox.fhir.queries import (
    CONTROLS,
    KNOWN,
    BadSearch,
    FhirQuery,
    included,
    read_query,
)
from companion.sandbox.fhir.store import FhirStore, Resource
from companion.sandbox.fhir.tokens import ALGORITHMS, TokenIssuer, TokenRefused
from companion.sandbox.wire import NOT_STORED, ApiRequest, Reply, date_header, json_reply

BASE = "/fhir"
SIGN_IN = "/oauth/token"
FHIR_TYPE = "application/fhir+json; charset=UTF-8"
PAGES_LIVE = timedelta(minutes=10)
_ACCEPTED = ("application/fhir+json", "application/json", "*/*")


@dataclass(slots=True, kw_only=True)
class FhirPolicy:
    tokens: frozenset[str] = frozenset()
    """Good for ever; with none and no client of `TokenIssuer`, everybody is let in."""
    page: int = 100
    """Most on one page."""
    supported: frozenset[str] = field(
        default_factory=lambda: frozenset().union(*KNOWN.values()) | CONTROLS
    )
    """Search parameters; others are refused."""
    ignores: bool = False
    """Whatever is not supported is left out in silence, `Prefer` or not."""
    origin: str = ""
    """Stands in the links of pages; empty for where the request came to."""


class FhirService:
    """Threads share it: it answers one request at a time."""

    def __init__(self, store: FhirStore, *, policy: FhirPolicy | None = None) -> None:
        self.store = store
        self.policy = policy or FhirPolicy()
        self.tokens = TokenIssuer(now=store.now)
        self.faults = Faults()
        self.requests = 0
        """To the FHIR interface."""
        self.observers: list[Callable[[ApiRequest], None]] = []
        self._lock = threading.RLock()
        self._searches: dict[str, tuple[datetime, FhirQuery, Sequence[Resource]]] = {}

    def reply(self, request: ApiRequest) -> Reply:
        with self._lock:
            for observer in self.observers:
                observer(request)
            reply = self._answer(request)
            reply.headers.append(("Date", date_header(self.store.now())))
            return reply

    def _answer(self, request: ApiRequest) -> Reply:
        origin = f"http://{request.headers.get('host', '')}"
        if request.path == SIGN_IN:
            return self._token(request, origin)
        if request.path == f"{BASE}/.well-known/smart-configuration":
            return self._configuration(origin)
        if not request.path.startswith(BASE):
            return Reply(status=404)
        self.requests += 1
        if not self._is_let_in(request.headers.get("authorization", "")):
            challenge = ("WWW-Authenticate", 'Bearer realm="fhir"')
            return outcome(401, "login", "HAPI-0644: Missing or invalid token", challenge)
        accept = request.headers.get("accept", "*/*")
        if not any(each in accept for each in _ACCEPTED):
            return outcome(406, "not-supported", "HAPI-0441: only JSON is served")
        fault = self.faults.strike(f"{request.method} {request.path}")
        if fault is None:
            return self._served(request, origin)
        return fault.carry_out(
            lambda: self._served(request, origin),
            lambda: outcome(fault.status, "exception", "HAPI-0389: Failed to call access method"),
        )

    # ── who asks ──────────────────────────────────────────────────────────────────────────────

    def _is_let_in(self, header: str) -> bool:
        if not self.policy.tokens and not self.tokens.clients:
            return True
        scheme, _space, token = header.partition(" ")
        known = token in self.policy.tokens or self.tokens.is_good(token)
        return scheme.casefold() == "bearer" and known

    def _configuration(self, origin: str) -> Reply:
        if not self.tokens.clients:
            return Reply(status=404)
        return json_reply(
            {
                "token_endpoint": origin + SIGN_IN,
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
                "grant_types_supported": ["client_credentials"],
                "scopes_supported": ["system/*.rs"],
                "capabilities": ["client-confidential-asymmetric", "permission-v2"],
            }
        )

    def _token(self, request: ApiRequest, origin: str) -> Reply:
        if request.method != "POST":
            return Reply(status=405)
        try:
            kind = request.headers.get("content-type", "")
            granted = self.tokens.grant(kind, request.body, origin + SIGN_IN)
        except TokenRefused as refused:
            status = 401 if str(refused) == "invalid_client" else 400
            return json_reply({"error": str(refused)}, status)
        return json_reply(granted, 200, NOT_STORED, ("Pragma", "no-cache"))

    # ── what is asked ─────────────────────────────────────────────────────────────────────────

    def _served(self, request: ApiRequest, origin: str) -> Reply:
        if request.method != "GET":
            return outcome(405, "not-supported", "HAPI-0418: this server is for reading")
        place = (self.policy.origin or origin) + BASE
        parts = request.path.removeprefix(BASE).strip("/").split("/")
        if parts == [""] and "_getpages" in request.query:
            return self._page(request.query, place)
        if parts[0] not in KNOWN:
            return outcome(404, "not-found", f"HAPI-0302: Unknown resource type '{parts[0]}'")
        if len(parts) == 1:
            return self._search(parts[0], request, place)
        return self._read("/".join(parts[:2]))

    def _read(self, reference: str) -> Reply:
        found = self.store.find(reference)
        if found is not None:
            return json_reply(found, kind=FHIR_TYPE)
        if reference in self.store.deleted:
            return outcome(410, "deleted", f"HAPI-1814: Resource was deleted: {reference}")
        return outcome(404, "not-found", f"HAPI-2001: Resource {reference} is not known")

    def _search(self, kind: str, request: ApiRequest, place: str) -> Reply:
        lenient = self.policy.ignores or "handling=lenient" in request.headers.get("prefer", "")
        try:
            query = read_query(
                kind, request.query, lenient=lenient, supported=self.policy.supported
            )
        except BadSearch as wrong:
            return outcome(400, "invalid", str(wrong))
        found = [each for each in self.store.all(kind) if query.matches(each)]
        number = secrets.token_hex(16)
        self._searches[number] = (self.store.now(), query, found)
        return self._shown(number, 0, f"{place}/{kind}?{urlencode(query.applied)}", place)

    def _page(self, text: str, place: str) -> Reply:
        asked = {key: values[0] for key, values in parse_qs(text).items()}
        number, offset = asked["_getpages"], int(asked["_getpagesoffset"])
        begun = self._searches.get(number)
        if begun is None or self.store.now() - begun[0] > PAGES_LIVE:
            what = f'HAPI-0417: Search ID "{number}" does not exist and may have expired'
            return outcome(410, "not-found", what)
        return self._shown(number, offset, f"{place}?{text}", place)

    def forget_pages(self) -> None:
        self._searches.clear()

    def _shown(self, number: str, offset: int, address: str, place: str) -> Reply:
        _begun, query, found = self._searches[number]
        size = min(query.count or self.policy.page, self.policy.page)
        shown = found[offset : offset + size]
        entries = [_entry(place, each, "match") for each in shown]
        wanted = [reference for each in shown for reference in included(each, query.includes)]
        entries += [
            _entry(place, resource, "include")
            for reference in dict.fromkeys(wanted)
            if (resource := self.store.find(reference)) is not None
        ]
        links = [{"relation": "self", "url": address}]
        if offset + size < len(found):
            more = {
                "_getpages": number,
                "_getpagesoffset": offset + size,
                "_count": size,
                "_bundletype": "searchset",
            }
            links.append({"relation": "next", "url": f"{place}?{urlencode(more)}"})
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "link": links,
            "entry": entries,
        }
        return json_reply(bundle, kind=FHIR_TYPE)


def _entry(place: str, resource: Resource, mode: str) -> Resource:
    address = f"{place}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}


def outcome(status: int, code: str, diagnostics: str, *headers: tuple[str, str]) -> Reply:
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    resource = {"resourceType": "OperationOutcome", "issue": [issue]}
    return json_reply(resource, status, *headers, kind=FHIR_TYPE)
