"""GoogleConnection: one thread's connection to Google, and the request makers of the Calendar API.

Imports Google's libraries, so it is itself imported only inside the threads.

- The API is described by the discovery document that google-api-python-client brings along; its
  `rootUrl` is replaced, so that single calls and batches both go where we say. (The library's own
  `api_endpoint` option does not move batches: they would carry the token to Google.)
- Google's libraries build and read requests; sending them is `adapters.network.http`, for the
  Calendar API, the token endpoint and the revocation alike. So one proxy, one trust and one rule
  hold for all: nothing is sent twice unnoticed (a repeated `calendars.insert` makes two
  calendars) and no redirect is followed.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Collection
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import google.auth.transport
import googleapiclient.discovery
import requests
import requests.adapters
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from googleapiclient import discovery_cache

from companion.adapters.google import batch
from companion.adapters.google.batch import Call
from companion.adapters.google.client_file import OAuthClient, ServiceAccountKey
from companion.adapters.google.delegation import CallCredentials, assertion_refused, untimely
from companion.adapters.network.answer import HttpAnswer
from companion.adapters.network.errors import unexpected_answer
from companion.adapters.network.http import USER_AGENT, HttpClient
from companion.domain.errors import RemoteUnavailable

# Their debug lines hold addresses with ids, and requests_oauthlib's hold tokens.
for _name in (
    "google",
    "google_auth_oauthlib",
    "googleapiclient",
    "oauthlib",
    "requests_oauthlib",
    "urllib3",
):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class GoogleConnection:
    def __init__(self, root: str, timeout: float) -> None:
        """`root`: the API's root URL with a final slash, or empty for Google's own."""
        document = _document()
        if root:
            document = {**document, "rootUrl": root}
        self.http = HttpClient(timeout=timeout)
        service: Any = googleapiclient.discovery.build_from_document(document, http=_Unsent())
        # Each of these calls makes a class (2.6 ms), so they are made once a thread.
        self.events: Any = service.events()
        self.calendars: Any = service.calendars()
        self.calendar_list: Any = service.calendarList()
        self._batch_uri = document["rootUrl"] + document["batchPath"]

    def call(self, request: Any, access: CallCredentials) -> HttpAnswer:
        """One call made by `events`, `calendars` or `calendar_list`."""
        headers = {**request.headers, "authorization": f"Bearer {access.token}"}
        uri = _charged(request.uri, access.quota_user)
        return self._send(uri, request.method, request.body, headers)

    def batch(
        self, requests: list[Any], access: CallCredentials
    ) -> HttpAnswer | list[HttpAnswer | None]:
        """Many calls in one request; the refusal where Google refused it as a whole."""
        answer = self._send(
            self._batch_uri,
            "POST",
            batch.write_batch([_as_call(each, access.quota_user) for each in requests]),
            {"authorization": f"Bearer {access.token}", "content-type": batch.CONTENT_TYPE},
        )
        if not answer.ok:
            return answer
        kind = answer.headers.get("content-type", "")
        if not kind.lower().startswith("multipart/"):
            raise unexpected_answer(f"{answer.status} no batch")
        return batch.read_batch(kind, answer.content, len(requests))

    def post_form(self, address: str, form: dict[str, str]) -> HttpAnswer:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self._send(address, "POST", urlencode(form), headers)

    def renew(self, client: OAuthClient, refresh_token: str) -> Credentials:
        """Fresh credentials; raises google-auth's RefreshError, Offline for an answer that is not
        Google's, or an error of the network."""
        credentials = Credentials(  # type: ignore[no-untyped-call] # google-auth has no types
            token=None,
            refresh_token=refresh_token,
            token_uri=client.token_uri,
            client_id=client.client_id,
            client_secret=client.client_secret,
        )
        try:
            credentials.refresh(_TokenRequest(self))  # type: ignore[no-untyped-call] # as above
        except (TypeError, ValueError) as err:  # google-auth fails over JSON of another shape
            raise RemoteUnavailable(detail="token endpoint: unreadable") from err
        return credentials

    def mint(
        self, key: ServiceAccountKey, account: str, scopes: Collection[str]
    ) -> service_account.Credentials:
        """Fresh credentials of an account that the key signs for. Raises DelegationRefused,
        Offline for an answer that is not Google's, or an error of the network.

        Where Google finds the times in the assertion unreasonable, this computer's clock is wrong:
        it is signed once more by Google's clock."""
        request = _TokenRequest(self)
        credentials: Any = service_account.Credentials(  # type: ignore[no-untyped-call] # google-auth has no types
            key.signer, key.email, key.token_uri, scopes=list(scopes), subject=account
        )
        try:
            try:
                credentials.refresh(request)
            except RefreshError as err:
                if not untimely(err) or request.answered_at is None:
                    raise
                issued = int(request.answered_at.timestamp())
                credentials = credentials.with_claims({"iat": issued, "exp": issued + 3600})
                credentials.refresh(request)
        except RefreshError as err:
            raise assertion_refused(err, key, scopes) or err from err
        except (TypeError, ValueError) as err:  # as above
            raise RemoteUnavailable(detail="token endpoint: unreadable") from err
        return cast("service_account.Credentials", credentials)

    def token_answer(self, address: str, method: str, body: Any, headers: Any) -> HttpAnswer:
        """Of the token endpoint, which always speaks JSON. Raises Offline where it does not, and
        RemoteUnavailable for a fault of Google's, which google-auth would wait out by itself."""
        answer = self._send(address, method, body, dict(headers or {}))
        if answer.status >= 500:
            raise RemoteUnavailable(detail=f"token endpoint: {answer.status}")
        try:
            readable = isinstance(json.loads(answer.content), dict)
        except ValueError:
            readable = False
        if not readable:
            raise unexpected_answer(f"token endpoint: {answer.status}")
        return answer

    def session_adapter(self) -> requests.adapters.BaseAdapter:
        """For google-auth-oauthlib, which speaks `requests`."""
        return _SessionAdapter(self)

    def interrupt(self) -> None:
        """From any thread: a call under way ends with an error."""
        self.http.interrupt()

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self.http.close()

    def _send(self, uri: str, method: str, body: Any, headers: dict[str, str]) -> HttpAnswer:
        # Google compresses only for whoever names gzip in both headers.
        answer = self.http.request(
            method, uri, body=body, headers={**headers, "user-agent": USER_AGENT}
        )
        return HttpAnswer(status=answer.status, headers=answer.headers, content=answer.content)


class _Unsent:
    """Where the discovery client wants to send by itself: it never does."""

    def close(self) -> None:
        pass


class _TokenRequest(google.auth.transport.Request):
    """google-auth's way to ask the token endpoint."""

    def __init__(self, connection: GoogleConnection) -> None:
        self._connection = connection
        self.answered_at: datetime | None = None
        """By Google's clock."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        timeout: float | None = None,  # noqa: ARG002 - google-auth's signature; ours holds
        **_rest: object,
    ) -> Any:
        answer = self._connection.token_answer(url, method, body, headers)
        with contextlib.suppress(ValueError):
            self.answered_at = parsedate_to_datetime(answer.headers.get("date", ""))
        return _TokenResponse(answer)


class _TokenResponse(google.auth.transport.Response):
    def __init__(self, answer: HttpAnswer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Any:
        return self._answer.headers

    @property
    def data(self) -> bytes:
        return self._answer.content


class _SessionAdapter(requests.adapters.BaseAdapter):
    """`requests` over our own client: the sign-in's exchange of the code."""

    def __init__(self, connection: GoogleConnection) -> None:
        super().__init__()
        self._connection = connection

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> Any:
        answer = self._connection.token_answer(
            str(request.url), str(request.method), request.body, request.headers
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response._content = answer.content
        response.url, response.request = str(request.url), request
        return response

    def close(self) -> None:
        pass


def _charged(uri: str, quota_user: str) -> str:
    """The address of a call, with the word by which Google counts whose it is."""
    if not quota_user:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}quotaUser={quota_user}"


def _as_call(request: Any, quota_user: str) -> Call:
    parts = urlsplit(_charged(request.uri, quota_user))
    kept = {"If-Match": request.headers["If-Match"]} if "If-Match" in request.headers else {}
    return Call(
        method=request.method,
        target=f"{parts.path}?{parts.query}" if parts.query else parts.path,
        body=request.body or "",
        headers=kept,
    )


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    text = discovery_cache.get_static_doc("calendar", "v3")
    return cast("dict[str, Any]", json.loads(text))
