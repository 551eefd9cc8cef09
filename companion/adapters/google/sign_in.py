"""Signing a person in: OAuth 2.0 for desktop programs, with PKCE, over a loopback redirect.

`begin` makes the address for the browser; `finish` reads the address Google sends it back to and
exchanges the code. The `state` is compared here; who may use it, and how often, is the service's
business. The account is read from the ID token, whose signature need not be checked: it came
straight from the token endpoint over TLS (OpenID Connect Core 3.1.3.7, point 6).

google-auth-oauthlib refuses plain http, which only a simulated Google on this computer speaks.
Its single switch is an environment variable of the whole process: it is set for the length of one
call, under a lock, and for loopback addresses alone. The other variable one meets in examples
(OAUTHLIB_RELAX_TOKEN_SCOPE) is not needed: the exchange names no scopes, and we compare them.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from companion.adapters.google.account import Token
from companion.adapters.google.client_file import OAuthClient, is_loopback
from companion.adapters.google.errors import BLOCKED, BY_GRANT_ERROR, blocked_by_organisation
from companion.domain.errors import SignInDenied, SignInError
from companion.services.ports import SignedIn, SignInRequest

if TYPE_CHECKING:
    from companion.adapters.google.transport import GoogleConnection

_PLAIN_HTTP = "OAUTHLIB_INSECURE_TRANSPORT"
_plain_http_lock = threading.Lock()


def begin(
    client: OAuthClient, *, redirect_uri: str, scopes: Sequence[str], login: str
) -> SignInRequest:
    """Blocking (imports libraries)."""
    from google_auth_oauthlib.flow import Flow

    flow = Flow.from_client_config(client.config, scopes=list(scopes), redirect_uri=redirect_uri)
    hint = {"login_hint": login} if login else {}
    with _plain_http(client.auth_uri):
        url, state = flow.authorization_url(access_type="offline", prompt="consent", **hint)
    return SignInRequest(
        url=url,
        state=state,
        code_verifier=flow.code_verifier,
        redirect_uri=redirect_uri,
        scopes=tuple(scopes),
    )


def client_of(request: SignInRequest) -> str:
    """The id of the client that asks."""
    return parse_qs(urlsplit(request.url).query)["client_id"][0]


def code_of(request: SignInRequest, response_url: str) -> str:
    """The code in Google's answer. Raises SignInDenied, SignInError, and PermissionDenied where an
    organisation forbids it."""
    query = parse_qs(urlsplit(response_url).query)
    answer = {name: values[0] for name, values in query.items()}
    if not hmac.compare_digest(answer.get("state", "").encode(), request.state.encode()):
        raise SignInError(
            "This answer from Google belongs to another sign-in.",
            "Press Connect to Google again and use the page that opens then.",
        )
    error = answer.get("error", "")
    for said in (error, answer.get("error_subtype", "")):
        if said in BLOCKED:
            raise blocked_by_organisation(said)
    if error == "access_denied":
        raise SignInDenied
    if error or not answer.get("code"):
        raise SignInError(detail=error if error in BY_GRANT_ERROR else "no code")
    return answer["code"]


def exchange(
    connection: GoogleConnection, client: OAuthClient, request: SignInRequest, code: str
) -> dict[str, Any]:
    """The token endpoint's answer. Blocking; raises the library's own errors."""
    from google_auth_oauthlib.flow import Flow

    flow = Flow.from_client_config(
        client.config,
        scopes=None,
        state=request.state,
        redirect_uri=request.redirect_uri,
        code_verifier=request.code_verifier,
        autogenerate_code_verifier=False,
    )
    session = flow.oauth2session
    session.trust_env = False  # the route and the trust are the connection's
    for scheme in ("https://", "http://"):
        session.mount(scheme, connection.session_adapter())
    with session, _plain_http(client.token_uri):
        answer = flow.fetch_token(code=code, include_client_id=True)
    return dict(answer)


def signed_in(
    client: OAuthClient, request: SignInRequest, answer: dict[str, Any], now: datetime
) -> SignedIn:
    """The token endpoint's answer as a value; raises SignInError when it lacks what we need."""
    refresh = answer.get("refresh_token")
    access = answer.get("access_token")
    if not isinstance(refresh, str) or not isinstance(access, str) or not refresh:
        raise SignInError(
            "Google did not give a lasting sign-in.",
            "Remove Calendar Companion under Third-party access in the Google account, then press "
            "Connect to Google again.",
            detail="no refresh token",
        )
    named = answer.get("scope")
    scopes = named.split() if isinstance(named, str) else named
    granted = tuple(str(each) for each in scopes or request.scopes)
    account = _account(answer.get("id_token"), client)
    token = Token(
        refresh_token=refresh,
        client_id=client.client_id,
        account=account,
        scopes=granted,
        consented_at=now,
        renewed_at=now,
        access_token=access,
        expires_at=now + timedelta(seconds=float(answer.get("expires_in") or 0)),
    )
    lasts = answer.get("refresh_token_expires_in")
    ends_at = now + timedelta(seconds=lasts) if isinstance(lasts, int) and lasts > 0 else None
    return SignedIn(
        account=account,
        granted_scopes=granted,
        token=token.to_json(),
        ends_at=ends_at,
        client_id=client.client_id,
    )


def _account(id_token: object, client: OAuthClient) -> str:
    """The e-mail in an ID token; empty where Google did not say."""
    if not isinstance(id_token, str) or id_token.count(".") != 2:
        return ""
    middle = id_token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        if claims["aud"] != client.client_id or claims.get("email_verified") is False:
            return ""
        return str(claims["email"])
    except (ValueError, KeyError, TypeError):
        return ""


@contextlib.contextmanager
def _plain_http(address: str) -> Iterator[None]:
    if not (address.startswith("http:") and is_loopback(address)):
        yield
        return
    with _plain_http_lock:
        before = os.environ.get(_PLAIN_HTTP)
        os.environ[_PLAIN_HTTP] = "1"
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(_PLAIN_HTTP, None)
            else:
                os.environ[_PLAIN_HTTP] = before
