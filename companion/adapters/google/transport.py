"""GoogleConnection: one thread's connection to Google, and the request makers of the Calendar API.

Imports Google's libraries, so it is itself imported only inside the threads.

- The API is described by the discovery document that google-api-python-client brings along; its
  `rootUrl` is replaced, so that single calls and batches both go where we say. (The library's own
  `api_endpoint` option does not move batches: they would carry the token to Google.)
- Nothing is sent twice behind our back. httplib2 repeats a request whose answer never came; for
  `calendars.insert` that makes two calendars. `_Once` takes that away, and instead a kept
  connection that the server has closed meanwhile is noticed before it is used.
- Redirects are not followed: Google's API does not redirect, and a token must not travel.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import selectors
import socket
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import google_auth_httplib2
import googleapiclient.discovery
import httplib2
from google.oauth2.credentials import Credentials
from googleapiclient import discovery_cache

from companion.adapters.google import batch
from companion.adapters.google.batch import Answer, Call
from companion.adapters.google.client_file import OAuthClient, is_loopback
from companion.domain.errors import RemoteUnavailable

# Their debug lines hold addresses with ids, and requests_oauthlib's hold tokens.
for _name in (
    "google",
    "google_auth_httplib2",
    "google_auth_oauthlib",
    "googleapiclient",
    "httplib2",
    "oauthlib",
    "requests_oauthlib",
    "urllib3",
):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class _Once:
    """A connection whose lost answer is an error and not a reason to send again."""

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            return cast("http.client.HTTPResponse", super().getresponse())  # type: ignore[misc] # a mixin for http.client
        except (http.client.BadStatusLine, http.client.ResponseNotReady) as err:
            raise ConnectionAbortedError(type(err).__name__) from err


class _Plain(_Once, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc] # httplib2 has no types
    pass


class _Secure(_Once, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc] # httplib2 has no types
    pass


_CONNECTIONS = {"http": _Plain, "https": _Secure}


class GoogleConnection:
    def __init__(self, root: str, timeout: float) -> None:
        """`root`: the API's root URL with a final slash, or empty for Google's own."""
        document = _document()
        if root:
            document = {**document, "rootUrl": root}
        elsewhere = not root or not is_loopback(root)
        self._http = httplib2.Http(
            timeout=timeout,
            proxy_info=httplib2.proxy_info_from_environment if elsewhere else None,
        )
        self._http.follow_redirects = False
        service: Any = googleapiclient.discovery.build_from_document(document, http=self._http)
        # Each of these calls makes a class (2.6 ms), so they are made once a thread.
        self.events: Any = service.events()
        self.calendars: Any = service.calendars()
        self.calendar_list: Any = service.calendarList()
        self._batch_uri = document["rootUrl"] + document["batchPath"]

    def call(self, request: Any, access: str) -> Answer:
        """One call made by `events`, `calendars` or `calendar_list`."""
        return self._send(
            request.uri,
            request.method,
            request.body,
            {**request.headers, "authorization": f"Bearer {access}"},
        )

    def batch(self, requests: list[Any], access: str) -> Answer | list[Answer | None]:
        """Many calls in one request; the refusal where Google refused it as a whole."""
        answer = self._send(
            self._batch_uri,
            "POST",
            batch.write_batch([_as_call(each) for each in requests]),
            {
                "authorization": f"Bearer {access}",
                "content-type": batch.CONTENT_TYPE,
                "accept-encoding": "gzip, deflate",
                "user-agent": "calendar-companion (gzip)",
            },
        )
        if not answer.ok:
            return answer
        return batch.read_batch(
            answer.headers.get("content-type", ""), answer.content, len(requests)
        )

    def post_form(self, address: str, form: dict[str, str]) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self._send(address, "POST", urlencode(form), headers)

    def renew(self, client: OAuthClient, refresh_token: str) -> Credentials:
        """Fresh credentials; raises google-auth's RefreshError or an error of the network."""
        credentials = Credentials(  # type: ignore[no-untyped-call] # google-auth has no types
            token=None,
            refresh_token=refresh_token,
            token_uri=client.token_uri,
            client_id=client.client_id,
            client_secret=client.client_secret,
        )
        try:
            credentials.refresh(google_auth_httplib2.Request(self))  # type: ignore[no-untyped-call] # as above
        except (TypeError, ValueError) as err:  # google-auth trips over an answer that is no JSON
            raise RemoteUnavailable(detail="token endpoint: unreadable") from err
        return credentials

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_rest: object
    ) -> tuple[Any, bytes]:
        """httplib2's own signature, for google-auth."""
        self._drop_dead_connections()
        try:
            response, content = self._http.request(
                uri,
                method,
                body=body,
                headers=headers,
                connection_type=_CONNECTIONS[urlsplit(uri).scheme],
            )
        except BaseException:
            self.close()  # half an answer may still be on its way
            raise
        return response, content

    def interrupt(self) -> None:
        """From any thread: a call under way ends with an error."""
        for connection in [*self._http.connections.values()]:
            sock = connection.sock  # its own thread may be closing it this very moment
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _send(self, uri: str, method: str, body: Any, headers: dict[str, str]) -> Answer:
        response, content = self.request(uri, method, body, headers)
        return Answer(status=int(response.status), headers=dict(response), content=content)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        for connection in self._http.connections.values():
            connection.close()

    def _drop_dead_connections(self) -> None:
        """Between two requests nothing may arrive; if something did, it is the server's goodbye."""
        for connection in self._http.connections.values():
            if connection.sock is not None and _readable(connection.sock):
                connection.close()


def _readable(sock: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _as_call(request: Any) -> Call:
    parts = urlsplit(request.uri)
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
