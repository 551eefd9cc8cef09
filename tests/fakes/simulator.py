"""The simulated Google seen through Google's own client library, for contract tests."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import google_auth_httplib2
import googleapiclient
import httplib2
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from companion.sandbox.access import full_name
from companion.sandbox.server import SimulatedHandle, client_file, start_simulated_google
from companion.sandbox.simulator_api import SimulatorApi

ZOE, JURGEN = "zoe@example.com", "jurgen@example.com"
SYDNEY = "Australia/Sydney"

Json = dict[str, Any]
_OPEN: list[httplib2.Http] = []
"""Connections to close with the simulator."""


@contextmanager
def simulated_google(now: Callable[[], datetime] | None = None) -> Iterator[SimulatedHandle]:
    """A running simulator with two accounts and no quota, on a port of its own; `now` is its
    clock."""
    handle = start_simulated_google(api=None if now is None else SimulatorApi(base_clock=now))
    handle.google.meter.quota.per_user = None
    handle.google.meter.quota.per_project = None
    handle.google.add_account(ZOE, name="Zoë O'Brien-Nguyễn", timezone=SYDNEY)
    handle.google.add_account(JURGEN, name="Müller, Jürgen", timezone="Europe/Berlin")
    try:
        yield handle
    finally:
        while _OPEN:
            _OPEN.pop().close()
        handle.stop(wait=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """google-api-python-client, pointed at the simulator as the product points it."""

    service: Any
    http: Any
    credentials: Credentials
    events: Any
    calendars: Any
    calendar_list: Any

    def insert(self, body: Json, calendar: str = "primary") -> Json:
        answer: Json = self.events.insert(calendarId=calendar, body=body).execute()
        return answer

    def batch(self, requests: Iterable[Any]) -> list[tuple[Json | None, HttpError | None]]:
        """Sends the requests as one batch; the answers come in the same order."""
        answers: list[tuple[Json | None, HttpError | None]] = []
        batch = self.service.new_batch_http_request(
            callback=lambda _id, answer, error: answers.append((answer, error))
        )
        for request in requests:
            batch.add(request)
        batch.execute(http=self.http)
        return answers

    def every(self, request: Any) -> list[Json]:
        """All items of a list, page by page."""
        items: list[Json] = []
        while request is not None:
            answer = request.execute()
            items += answer["items"]
            request = self.events.list_next(request, answer)
        return items


def connect(
    handle: SimulatedHandle,
    email: str = ZOE,
    scopes: Iterable[str] = ("calendar",),
    *,
    timeout: float = 5.0,
) -> Client:
    """A client that has consented to *scopes* (short names) without a consent page."""
    with handle.lock:
        tokens = handle.api.grants.issue(handle.google.accounts[email], frozenset(scopes))
    installed = client_file(handle.base_url)["installed"]
    credentials = Credentials(  # type: ignore[no-untyped-call] # google-auth is partly typed
        tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        token_uri=installed["token_uri"],
        client_id=installed["client_id"],
        client_secret=installed["client_secret"],
        scopes=[full_name(scope) for scope in scopes],
    )
    return client_for(handle, credentials, timeout=timeout)


def client_for(handle: SimulatedHandle, credentials: Credentials, *, timeout: float) -> Client:
    plain = httplib2.Http(timeout=timeout)
    _OPEN.append(plain)
    http = google_auth_httplib2.AuthorizedHttp(credentials, http=plain)
    service = build_from_document(discovery(handle.base_url), http=http)
    return Client(
        service=service,
        http=http,
        credentials=credentials,
        events=service.events(),
        calendars=service.calendars(),
        calendar_list=service.calendarList(),
    )


def discovery(base_url: str) -> Json:
    """The bundled discovery document with its root moved; batches follow the root."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    document: Json = json.loads((folder / "calendar.v3.json").read_text(encoding="utf-8"))
    return document | {"rootUrl": f"{base_url}/", "baseUrl": f"{base_url}/calendar/v3/"}


def refusal(error: HttpError | None) -> tuple[int, str]:
    """Status and reason of Google's error body."""
    assert error is not None, "Google accepted what it should refuse"
    content = json.loads(error.content)["error"]
    assert content["code"] == error.resp.status
    return content["code"], content["errors"][0]["reason"]


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """Status and reason of the refusal that it meets."""
    with pytest.raises(HttpError) as caught:
        call()
    return refusal(caught.value)


def appointment(
    event_id: str | None = None, *, day: str = "2026-03-03", hour: int = 9, **fields: Any
) -> Json:
    """An event of one hour in Sydney."""
    body: Json = {
        "summary": "Consultation",
        "start": {"dateTime": f"{day}T{hour:02d}:00:00", "timeZone": SYDNEY},
        "end": {"dateTime": f"{day}T{hour + 1:02d}:00:00", "timeZone": SYDNEY},
    }
    if event_id is not None:
        body["id"] = event_id
    return body | fields
