"""Delegation: access tokens of people for whom the practice's service account signs.

A token is asked for by an assertion that the key signs, with the person as its subject (RFC 7523).
It lasts an hour, is kept in memory alone, and nothing needs to be given back to Google.

Refusals: Google documents few of them; the rest of the table are the words that its token endpoint
is known to answer. `unauthorized_client` also comes for somebody of another organisation.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from companion.adapters.google.client_file import ServiceAccountKey
from companion.adapters.google.errors import BLOCKED, grant_refused, refresh_refusal
from companion.domain.errors import (
    CompanionError,
    DelegationRefused,
    RequestRefused,
    TransientError,
)
from companion.services.ports import Clock

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

EARLY = timedelta(seconds=60)
"""So long before its end a token is not used any more."""
Mint = Callable[[ServiceAccountKey, str, Collection[str]], Awaitable["Credentials"]]
_Name = tuple[str, str, frozenset[str]]
"""Client id, account and scopes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCredentials:
    """What a call to the Calendar API bears."""

    token: str = field(repr=False)
    quota_user: str = ""
    """Whose quota it is, where Google would charge a service account: an opaque word."""


class DelegatedTokens:
    def __init__(
        self, *, clock: Clock, key: Callable[[], Awaitable[ServiceAccountKey]], mint: Mint
    ) -> None:
        """`mint` asks Google; `key` raises ClientFileMissing where there is none."""
        self._clock = clock
        self._key = key
        self._mint = mint
        self._kept: dict[_Name, tuple[str, datetime]] = {}
        """Token, and when it ends."""
        self._locks: defaultdict[_Name, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def check(self, client_id: str) -> None:
        """Raises DelegationRefused for a person whom another service account was speaking for,
        ClientFileMissing where there is no key."""
        if (await self._key()).client_id != client_id:
            raise DelegationRefused(
                "The practice's service account was replaced since this practitioner was "
                "connected.",
                "Press Connect everybody under Practice > Google Workspace, or run: python run.py "
                "google connect --all. Nothing is lost.",
            )

    async def access(self, account: str, scopes: Collection[str], *, refused: str = "") -> str:
        """A token that should work; `refused` names one that Google did not take."""
        name = ((await self._key()).client_id, account, frozenset(scopes))
        async with self._locks[name]:
            token, ends = self._kept.get(name, ("", self._clock.now()))
            if token and token != refused and self._clock.now() < ends - EARLY:
                return token
            return await self.fresh(account, scopes)

    async def fresh(self, account: str, scopes: Collection[str]) -> str:
        """A new token, asked for now. Raises DelegationRefused, Offline …"""
        key = await self._key()
        now = self._clock.now()
        minted = await self._mint(key, account, scopes)
        seconds = 300.0
        if minted.expiry is not None:  # in naive UTC, by the machine's own clock
            seconds = (minted.expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        token = str(minted.token)
        name = (key.client_id, account, frozenset(scopes))
        self._kept[name] = (token, now + timedelta(seconds=seconds))
        return token


def untimely(error: Any) -> bool:
    """Whether a refusal (google-auth's RefreshError) is about the times in the assertion."""
    return "timeframe" in refresh_refusal(error)[1]


def assertion_refused(
    error: Any, key: ServiceAccountKey, scopes: Collection[str]
) -> CompanionError | None:
    """The error for a RefreshError; None where Google said nothing of its own."""
    code, description = refresh_refusal(error)
    if not code:
        return None
    words = description.casefold()
    detail = "delegation: " + "".join(c for c in code if c.isalnum() or c == "_")[:40]
    known = grant_refused(code)
    if isinstance(known, TransientError | RequestRefused) and "impersonation" not in words:
        return known
    named = {"client_id": key.client_id, "email": key.email, "scopes": ",".join(scopes)}
    for errors, part, meaning in MEANINGS:
        if code in errors and part in words:
            return DelegationRefused(
                meaning.what.format(**named), meaning.remedy.format(**named), detail=detail
            )
    return DelegationRefused(detail=detail)


class _ErrorMeaning(NamedTuple):
    what: str
    remedy: str
    """Both may name the service account's `client_id` and `email`, and the `scopes`."""


_ADMIN = "In the Admin console (admin.google.com) "
_DELEGATION = "Security > Access and data control > API controls > "
_NO_ACCOUNT = _ErrorMeaning(
    "Google no longer knows the practice's service account {email}: it was deleted or disabled.",
    "Enable it again in the Google Cloud console under IAM & Admin > Service Accounts. If it was "
    "deleted, add the key of a new one under Practice > Google Workspace.",
)
_NO_KEY = _ErrorMeaning(
    "Google no longer accepts the key of the practice's service account.",
    "In the Google Cloud console, under IAM & Admin > Service Accounts, make a new key of the same "
    "service account; add its file under Practice > Google Workspace. Nobody has to connect again.",
)
_NOBODY = _ErrorMeaning(
    "Google Workspace knows nobody with this Google Login.",
    "Enter the main address of the person's own account: no alias, no group. Then connect again.",
)
_POLICY = _ErrorMeaning(
    "A policy of the organisation blocks the practice's service account.",
    f"{_ADMIN}an administrator opens {_DELEGATION}App access control and trusts the client ID "
    "{client_id}.",
)
_UNAUTHORISED = _ErrorMeaning(
    "Google Workspace has not authorised the practice's service account for this Google Login.",
    f"{_ADMIN}a super administrator opens {_DELEGATION}Manage domain-wide delegation, presses "
    "Add new and enters the client ID {client_id} and the scopes {scopes} (it takes minutes, at "
    "most 24 hours). If they stand there, this Google Login belongs to another organisation: "
    "connect it by signing in at Google.",
)
_DENIED = _ErrorMeaning(
    "The organisation does not let the practice's service account into this Google account.",
    f"{_ADMIN}an administrator looks whether the account is active, has signed in once and has "
    "Google Calendar switched on, and whether the client ID {client_id} is authorised under "
    f"{_DELEGATION}Manage domain-wide delegation for the scopes " + "{scopes}.",
)
_UNTIMELY = _ErrorMeaning(
    "Google refuses what this computer signs, because its date or time is wrong.",
    "Set date, time and time zone of this computer to automatic, then try again.",
)
_DELETED = _ErrorMeaning(
    "This Google account was deleted.",
    f"{_ADMIN}an administrator can bring it back within 20 days under Directory > Users; "
    "otherwise enter another Google Login.",
)
MEANINGS = (
    ({"unauthorized_client"}, "", _UNAUTHORISED),
    ({"access_denied"}, "", _DENIED),
    (BLOCKED, "", _POLICY),
    ({"invalid_grant"}, "reauth", _POLICY),
    ({"invalid_client", "deleted_client", "disabled_client"}, "", _NO_ACCOUNT),
    ({"invalid_grant"}, "account not found", _NO_ACCOUNT),
    ({"invalid_grant"}, "no valid verifier", _NO_KEY),
    ({"invalid_grant"}, "signature", _NO_KEY),
    ({"invalid_grant"}, "timeframe", _UNTIMELY),
    ({"invalid_grant"}, "deleted", _DELETED),
    ({"invalid_grant"}, "email", _NOBODY),
    ({"invalid_request"}, "impersonation", _NOBODY),
)
"""Google's errors, a part of its description in lower case, and what it means."""
