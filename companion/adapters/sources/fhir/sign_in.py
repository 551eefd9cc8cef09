"""FhirTokens: signing in to FHIR servers as SMART's backend services do.

    {base}/.well-known/smart-configuration ─▶ token endpoint
    an assertion, signed with our key, for five minutes at most and once only ─▶ an access token

A token is kept in memory until shortly before it ends.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.sources.fhir.keys import read_key
from companion.adapters.sources.web import SourceWeb
from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.sources.addresses import is_this_computer

SCOPES = " ".join(
    f"system/{each}.rs"
    for each in ("Appointment", "Patient", "Practitioner", "PractitionerRole", "Location")
)
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE = 240
"""Seconds for which an assertion is good; five minutes are allowed."""
_USUAL_LIFE = 300
"""Seconds for which a token is good that says nothing of it."""
_EARLY = 30.0
_REMEDY = "Check the client id and the key, and that the key's public part is registered there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """This program as a FHIR server knows it."""

    base: str
    place: str
    client_id: str
    key: str
    """PEM or JWK; a secret."""
    key_id: str = ""
    scope: str = SCOPES


class FhirTokens:
    """Of one process; several threads share it."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._monotonic = monotonic
        self._now = now
        self._kept: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def of(self, client: Client, web: SourceWeb, *, anew: bool = False) -> str:
        """`anew`: the kept one was refused. Raises SourceUnreachable, Stopped, BadInput."""
        mine = f"{client.base}\n{client.client_id}\n{client.scope}\n{client.key}"
        name = hashlib.sha256(mine.encode()).hexdigest()
        with self._lock:
            token, ends = self._kept.get(name, ("", 0.0))
        if token and not anew and self._monotonic() < ends:
            return token
        token, life = self._asked(client, web)
        with self._lock:
            self._kept[name] = token, self._monotonic() + max(life - _EARLY, 0.0)
        return token

    def _asked(self, client: Client, web: SourceWeb) -> tuple[str, float]:
        endpoint = self._endpoint(client, web)
        key = read_key(client.key)
        issued = int(self._now().timestamp())
        claims = {
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": endpoint,
            "jti": str(uuid.uuid4()),
            "iat": issued,
            "exp": issued + _LIFE,
        }
        form = {
            "grant_type": "client_credentials",
            "scope": client.scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": key.signed(claims, client.key_id),
        }
        answer = web.ask(
            endpoint,
            method="POST",
            headers={
                "accept": "application/json",
                "content-type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode(),
        )
        return _granted(answer, client, web)

    def _endpoint(self, client: Client, web: SourceWeb) -> str:
        address = f"{client.base}/.well-known/smart-configuration"
        answer = web.ask(address, headers={"accept": "application/json"})
        if not answer.ok and answer.status not in {404, 410}:
            raise web.refusal(answer)
        found = _document(answer) if answer.ok else {}
        endpoint = str(found.get("token_endpoint") or "")
        parts = urlsplit(endpoint)
        at_home = is_this_computer(urlsplit(client.base).hostname or "")
        secure = parts.scheme == "https" or (at_home and is_this_computer(parts.hostname or ""))
        if not endpoint or not secure:
            raise SourceUnreachable(
                f"{client.place} does not say where programs sign in.",
                "It must offer SMART backend services; else give a token instead of a key.",
                reason=SourceTrouble.CREDENTIALS,
                detail=f"HTTP {answer.status}",
            )
        offered = found.get("token_endpoint_auth_signing_alg_values_supported")
        mine = read_key(client.key).algorithm
        if isinstance(offered, list) and offered and mine not in offered:
            raise SourceUnreachable(
                f"{client.place} takes no keys of this kind ({mine}).",
                "Make one of the other kind: RSA for RS384, the curve P-384 for ES384.",
                reason=SourceTrouble.CREDENTIALS,
            )
        return endpoint


def _granted(answer: HttpAnswer, client: Client, web: SourceWeb) -> tuple[str, float]:
    found = _document(answer)
    if not answer.ok:
        code = str(found.get("error") or "")
        if code not in _REFUSALS:
            raise web.refusal(answer)
        raise SourceUnreachable(
            f"{client.place} {_REFUSALS[code]}.",
            _REMEDY,
            reason=SourceTrouble.CREDENTIALS,
            detail=f"HTTP {answer.status} {code}",
        )
    token = str(found.get("access_token") or "")
    if not token or str(found.get("token_type", "")).casefold() != "bearer":
        raise SourceUnreachable(
            f"{client.place} gave no token that this program can use.",
            _REMEDY,
            reason=SourceTrouble.UNREADABLE,
        )
    scope = str(found.get("scope", client.scope))
    if not any(part.partition("/")[2].startswith(("Appointment.", "*.")) for part in scope.split()):
        raise SourceUnreachable(
            f"{client.place} does not let this program read appointments.",
            "Ask whoever runs it for the scope system/Appointment.rs.",
            reason=SourceTrouble.CREDENTIALS,
        )
    life = found.get("expires_in", _USUAL_LIFE)
    return token, float(life) if isinstance(life, int | float) else _USUAL_LIFE


_REFUSALS = {
    "invalid_client": "does not know this program, or not its key",
    "invalid_grant": "did not accept how this program signed in",
    "unauthorized_client": "does not let this program sign in by itself",
    "invalid_scope": "does not grant what this program asks for",
    "access_denied": "does not let this program in",
    "invalid_request": "did not understand how this program signs in",
}
"""By the error of OAuth."""


def _document(answer: HttpAnswer) -> Mapping[str, object]:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
