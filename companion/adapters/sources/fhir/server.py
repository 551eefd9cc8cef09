"""FhirServer: requests to one FHIR server, and what its refusals mean.

Every request goes to the origin of the base address, whatever a page's link says. A server that
asks for patience gets some of it here; for longer waits the fetch ends. Of an OperationOutcome only
the codes are used: its words may be about a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.sources.web import SourceWeb, wait_of
from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.sources.remote import Stop

PATIENCE = 60.0
"""Seconds that are waited in one fetch, all in all."""
_ACCEPT = "application/fhir+json, application/json;q=0.9"
_HAPI = re.compile(rb"\bHAPI-\d{3,5}\b")
_ANEW = "Check the address of the FHIR server and what it was given to sign in with."
_NOT_UNDERSTOOD = frozenset({400, 403, 405, 406, 422, 501})
"""So a server may answer a search with a parameter that it does not know."""

Resource = Mapping[str, Any]


class _StatusMeaning(NamedTuple):
    what: str
    remedy: str
    reason: SourceTrouble


_SIGN_IN = _StatusMeaning(
    "does not accept what it was given to sign in with",
    "Give the token or the private key of this source again.",
    SourceTrouble.CREDENTIALS,
)
_NOT_ALLOWED = _StatusMeaning(
    "does not let this program read appointments",
    "Ask whoever runs it for the right to read appointments and their people.",
    SourceTrouble.CREDENTIALS,
)
_BUSY = _StatusMeaning(
    "asks for patience",
    "It is tried again by itself.",
    SourceTrouble.RATE_LIMITED,
)
_MISSING = _StatusMeaning(
    "has no appointments under this address",
    "Check the address: it ends before “/Appointment”, often with “/fhir” or “/R4”.",
    SourceTrouble.NOT_THERE,
)
_SEARCH = _StatusMeaning(
    "does not understand the search for appointments",
    "Check the source's own search parameters, if it has any; else ask whoever runs it.",
    SourceTrouble.UNREADABLE,
)
_COSTLY = _StatusMeaning(
    "finds the search for appointments too large",
    "Let it go fewer days back.",
    SourceTrouble.LARGE,
)
_SLOW = _StatusMeaning(
    "took too long over the search",
    "It is tried again by itself.",
    SourceTrouble.SLOW,
)
_ISSUES = {
    "login": _SIGN_IN, "unknown": _SIGN_IN, "expired": _SIGN_IN,
    "security": _NOT_ALLOWED, "forbidden": _NOT_ALLOWED, "suppressed": _NOT_ALLOWED,
    "throttled": _BUSY, "not-found": _MISSING, "deleted": _MISSING,
    "not-supported": _SEARCH, "invalid": _SEARCH, "code-invalid": _SEARCH, "value": _SEARCH,
    "too-costly": _COSTLY, "too-long": _COSTLY, "timeout": _SLOW,
}  # fmt: skip
"""By the code of an issue; the others mean that the server is out of order."""
_STATUSES = {
    401: _SIGN_IN, 403: _NOT_ALLOWED, 404: _MISSING, 410: _MISSING, 429: _BUSY,
    400: _SEARCH, 405: _SEARCH, 406: _SEARCH, 422: _SEARCH, 501: _SEARCH, 413: _COSTLY,
    408: _SLOW, 504: _SLOW,
}  # fmt: skip


class FhirRefusal(Exception):
    """An answer that is no success; `error` is what a person is told."""

    def __init__(self, status: int, error: SourceUnreachable) -> None:
        super().__init__(status)
        self.status = status
        self.error = error

    @property
    def of_the_search(self) -> bool:
        """May a search that asks for less be understood?"""
        return self.status in _NOT_UNDERSTOOD


class FhirServer:
    """Of one fetch."""

    def __init__(
        self,
        web: SourceWeb,
        base: str,
        place: str,
        stop: Stop,
        authorization: Callable[[bool], str],
        patience: float = PATIENCE,
    ) -> None:
        """`base`: without a slash at its end. `authorization`: the header's value, empty for none;
        made anew where it is given True."""
        self._web = web
        self._base = base
        self._place = place
        self._stop = stop
        self._authorization = authorization
        self._patience = patience

    def address(self, place: str) -> str:
        return f"{self._base}/{place}"

    def next_page(self, bundle: Resource, here: str) -> str:
        """Address of the page after this one; empty for none. Raises SourceUnreachable for one at
        another place, where a token must not go."""
        url = link(bundle, "next")
        if not url:
            return ""
        found = urljoin(here, url)
        if urlsplit(found)[:2] != urlsplit(self._base)[:2]:
            raise SourceUnreachable(
                f"{self._place} sends to another address for its next page: not followed.",
                "Ask whoever runs it to let its pages name the address that it is reached by.",
                reason=SourceTrouble.UNREADABLE,
            )
        return found

    def get(self, url: str) -> tuple[Resource, HttpAnswer]:
        """A resource. Raises FhirRefusal, SourceUnreachable, Stopped."""
        answer = self._asked(url)
        if not answer.ok:
            raise FhirRefusal(answer.status, self._explained(answer))
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or "resourceType" not in found:
            page = answer.content[:200].lstrip()[:1] == b"<"
            raise SourceUnreachable(
                f"What {self._place} sends is no FHIR resource{', but a web page' * page}.",
                _ANEW,
                reason=SourceTrouble.UNREADABLE,
            )
        outcome = next(_errors(found), None)
        if outcome is not None:
            raise FhirRefusal(400, self._explained(answer, outcome))
        return found, answer

    def _asked(self, url: str) -> HttpAnswer:
        authorization, renewed = self._authorization(False), False
        while True:
            headers = {"accept": _ACCEPT, "prefer": "handling=strict"}
            if authorization:
                headers["authorization"] = authorization
            answer = self._web.ask(url, headers=headers)
            if answer.status == 401 and authorization and not renewed:
                before, renewed = authorization, True
                authorization = self._authorization(True)
                if authorization != before:
                    continue
            wait = wait_of(answer.headers)
            if answer.status not in {429, 503} or not 0 < wait <= self._patience:
                return answer
            self._patience -= wait
            self._stop.wait(wait)

    def _explained(self, answer: HttpAnswer, issue: Resource | None = None) -> SourceUnreachable:
        codes = [issue] if issue else list(_issues_of(answer))
        code = next((str(each.get("code")) for each in codes if each.get("code") in _ISSUES), "")
        meaning = _STATUSES.get(answer.status)
        if code and (meaning is None or answer.status in {400, 403, 422}):
            meaning = _ISSUES[code]
        number = _HAPI.search(answer.content[:4_000])
        own = number[0].decode() if number else ""
        detail = " ".join(filter(None, (f"HTTP {answer.status}", code, own)))
        if meaning is None:
            what = f"is out of order ({answer.status})"
            meaning = _StatusMeaning(what, "It is tried again by itself.", SourceTrouble.BROKEN)
        return SourceUnreachable(
            f"{self._place} {meaning.what}.",
            meaning.remedy,
            reason=meaning.reason,
            wait=wait_of(answer.headers),
            detail=detail,
        )


def link(bundle: Resource, relation: str) -> str:
    for each in bundle.get("link") or ():
        if isinstance(each, dict) and each.get("relation") == relation:
            return str(each.get("url") or "")
    return ""


def _issues_of(answer: HttpAnswer) -> Iterator[Resource]:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict) and found.get("resourceType") == "OperationOutcome":
        yield from _issues(found)


def _issues(outcome: Resource) -> Iterator[Resource]:
    for each in outcome.get("issue") or ():
        if isinstance(each, dict):
            yield each


def _errors(resource: Resource) -> Iterator[Resource]:
    """Errors that came with a success: of an outcome itself, or beside the results of a search."""
    outcomes = [resource] if resource["resourceType"] == "OperationOutcome" else []
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry") or ():
            inner = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(inner, dict) and inner.get("resourceType") == "OperationOutcome":
                outcomes.append(inner)
    for outcome in outcomes:
        for issue in _issues(outcome):
            if issue.get("severity") in {"error", "fatal"}:
                yield issue
