"""Account: one practitioner's sign-in: its token, and calls made with it.

Where the practice's service account speaks for the practitioner, the token holds no secret; it says
for which account and scopes to ask (see `delegation`).

The token lies in the SecretStore as JSON and is read again whenever a calendar is opened, so that
a sign-in made by another process is noticed. It is renewed in one place, under one lock: many
calls that meet an expired token cause one renewal. A renewed token is sealed again only if the
store still holds the sign-in it came from, so that a new sign-in is never overwritten by an old
one, nor a removed one revived.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from companion.adapters.google.client_file import OAuthClient
from companion.adapters.google.delegation import EARLY, CallCredentials, DelegatedTokens
from companion.adapters.google.errors import Subject, refusal, translated
from companion.adapters.network.answer import HttpAnswer
from companion.adapters.network.errors import unexpected_answer
from companion.domain.errors import CompanionError, RemoteUnavailable, SecretsDamaged, SignInExpired
from companion.services.ports import Clock, SecretStore
from companion.services.threads import Threads

if TYPE_CHECKING:
    from companion.adapters.google.transport import GoogleConnection

Result = TypeVar("Result")
Json = dict[str, Any]

TESTING_LIFE = timedelta(days=7)
"""How long Google keeps a sign-in while the consent screen is in "Testing"."""
_SLACK = timedelta(hours=12)


def secret_name(practitioner_id: str) -> str:
    return f"google/token/{practitioner_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    refresh_token: str
    client_id: str
    """The client it was given to: no other may renew it."""
    account: str
    scopes: tuple[str, ...]
    consented_at: datetime
    renewed_at: datetime
    """When Google last honoured it."""
    access_token: str = ""
    expires_at: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    quota_user: str = ""
    """Where a service account speaks for the account; there is no refresh token then."""

    @property
    def delegated(self) -> bool:
        return not self.refresh_token

    def same_grant(self, other: Token) -> bool:
        """Apart from renewals."""
        if self.delegated or other.delegated:
            return self == other
        return self.refresh_token == other.refresh_token

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def from_json(cls, text: str) -> Token:
        try:
            values = json.loads(text)
            for name in ("consented_at", "renewed_at", "expires_at"):
                values[name] = datetime.fromisoformat(values[name])
            values["scopes"] = tuple(values["scopes"])
            return cls(**values)
        except (ValueError, KeyError, TypeError) as err:
            raise SecretsDamaged(detail="token") from err


class GoogleAccount:
    def __init__(
        self,
        practitioner_id: str,
        *,
        secrets: SecretStore,
        clock: Clock,
        threads: Threads[GoogleConnection],
        client: Callable[[], Awaitable[OAuthClient]],
        delegated: DelegatedTokens,
    ) -> None:
        self._name = secret_name(practitioner_id)
        self._secrets = secrets
        self._clock = clock
        self._threads = threads
        self._client = client
        self._delegated = delegated
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    @property
    def email(self) -> str:
        """Of the account that signed in; empty before `open`."""
        return self._token.account if self._token else ""

    async def open(self) -> None:
        """Look at the stored sign-in again. Raises SignInExpired when there is none, or when it
        belongs to a client that was replaced: its access token would go on for an hour only."""
        await self._load()
        token = self._token
        if token is not None and token.delegated:
            await self._delegated.check(token.client_id)
        elif token is not None:
            _of_this(await self._client(), token)

    async def _load(self) -> None:
        stored = await self._stored()
        if stored is None:
            self._token = None
            raise SignInExpired(
                "This practitioner is not connected to Google.", "Press Connect to Google."
            )
        if self._token is None or not stored.same_grant(self._token):
            self._token = stored

    async def call(self, work: Callable[[GoogleConnection, CallCredentials], Result]) -> Result:
        """`work(connection, access)` in a thread; it raises `Unauthorised` for a 401, and is
        then done once more with a renewed token."""
        access = await self.access()
        try:
            return await self._run(lambda connection: work(connection, access))
        except Unauthorised:
            access = await self.access(refused=access.token)
        try:
            return await self._run(lambda connection: work(connection, access))
        except Unauthorised as err:
            raise SignInExpired(detail="401 after renewal") from err

    async def ask(
        self, make: Callable[[GoogleConnection], Any], subject: Subject = Subject.CALENDAR
    ) -> Json:
        """The JSON Google answers to the one call that `make(connection)` makes."""
        answer = await self.answer(make)
        if not answer.ok:
            raise refusal(answer.status, answer.headers, answer.content, subject)
        return read_json(answer)

    async def pages(
        self, make: Callable[[GoogleConnection, str | None], Any]
    ) -> AsyncIterator[Json]:
        """Of a list: `make(connection, token)` asks for one; the first has no token."""
        token: str | None = None

        def make_next(connection: GoogleConnection) -> Any:
            return make(connection, token)

        while True:
            page = await self.ask(make_next)
            yield page
            token = page.get("nextPageToken")
            if not token:
                return

    async def answer(self, make: Callable[[GoogleConnection], Any]) -> HttpAnswer:
        """Of any status but 401."""

        def work(connection: GoogleConnection, access: CallCredentials) -> HttpAnswer:
            answer = connection.call(make(connection), access)
            if answer.status == 401:
                raise Unauthorised
            return answer

        return await self.call(work)

    async def access(self, *, refused: str = "") -> CallCredentials:
        """One that should work; `refused` names a token that Google did not take."""
        async with self._lock:
            if self._token is None:
                await self.open()
            token = self._token
            assert token is not None  # noqa: S101 - `open` raises otherwise
            if token.delegated:
                found = await self._delegated.access(token.account, token.scopes, refused=refused)
                return CallCredentials(token=found, quota_user=token.quota_user)
            fresh = token.access_token and token.access_token != refused
            if not fresh or self._clock.now() >= token.expires_at - EARLY:
                token = self._token = await self._renew(token)
            return CallCredentials(token=token.access_token)

    async def revoke(self) -> None:
        await self._load()
        if self._token is not None and not self._token.delegated:
            await revoke(self._threads, await self._client(), self._token)

    async def _renew(self, token: Token) -> Token:
        client = await self._client()
        _of_this(client, token)
        now = self._clock.now()
        try:
            renewed = await self._run(
                lambda connection: connection.renew(client, token.refresh_token)
            )
        except SignInExpired as err:
            stored = await self._stored()
            if stored is not None and not stored.same_grant(token):
                return await self._renew(stored)  # a new sign-in was made meanwhile
            raise _expired(token, now, err) from err
        seconds = (renewed.expiry - _utc_naive()).total_seconds() if renewed.expiry else 300.0
        fresh = replace(
            token,
            access_token=str(renewed.token),
            expires_at=now + timedelta(seconds=seconds),
            refresh_token=str(renewed.refresh_token or token.refresh_token),
            renewed_at=now,
        )
        while True:
            text = await self._secrets.get(self._name)
            if text is None:
                raise SignInExpired(detail="disconnected meanwhile")
            stored = Token.from_json(text)
            if not stored.same_grant(token):
                return await self._renew(stored)
            if await self._secrets.exchange(self._name, text, fresh.to_json()):
                return fresh  # else another process has renewed, replaced or removed it meanwhile

    async def _stored(self) -> Token | None:
        text = await self._secrets.get(self._name)
        return None if text is None else Token.from_json(text)

    async def _run(self, work: Callable[[GoogleConnection], Result]) -> Result:
        return await in_thread(self._threads, work)


def _of_this(client: OAuthClient, token: Token) -> None:
    if client.client_id != token.client_id:
        raise SignInExpired(
            "The practice's Google client was replaced since this practitioner signed in.",
            "Press Connect to Google to sign in again; nothing is lost.",
        )


class Unauthorised(Exception):
    """Google answered 401; never leaves this adapter."""


async def in_thread(
    threads: Threads[GoogleConnection], work: Callable[[GoogleConnection], Result]
) -> Result:
    """`work` with a thread's connection; every foreign exception becomes one of ours."""
    try:
        return await threads.run(work)
    except (CompanionError, Unauthorised):
        raise
    except Exception as err:
        ours = translated(err)
        if ours is None:
            raise
        raise ours from err


def read_json(answer: HttpAnswer) -> Json:
    """Raises RemoteUnavailable for torn JSON, Offline for what is not Google's at all, such as a
    web filter's page; an empty answer is an empty object."""
    if not answer.content:
        return {}
    if "json" not in answer.headers.get("content-type", ""):
        raise unexpected_answer(f"{answer.status} no JSON")
    try:
        read = json.loads(answer.content)
    except ValueError as err:
        raise RemoteUnavailable(detail=f"{answer.status} unreadable") from err
    if not isinstance(read, dict):
        raise RemoteUnavailable(detail=f"{answer.status} unreadable")
    return read


async def revoke(threads: Threads[GoogleConnection], client: OAuthClient, token: Token) -> None:
    """Give a sign-in back to Google; one that it no longer knows counts as done."""
    form = {"token": token.refresh_token}
    answer: HttpAnswer = await in_thread(
        threads, lambda connection: connection.post_form(client.revoke_uri, form)
    )
    if not answer.ok and answer.status != 400:
        raise refusal(answer.status, answer.headers, answer.content, Subject.CALENDAR)


def _utc_naive() -> datetime:
    """google-auth counts expiry in naive UTC by the machine's own clock, whatever ours says."""
    return datetime.now(UTC).replace(tzinfo=None)


def _expired(token: Token, now: datetime, err: SignInExpired) -> SignInExpired:
    """The same error; or, for a sign-in that ended with its seventh day, the likely reason."""
    end = token.consented_at + TESTING_LIFE
    if now < end - _SLACK or token.renewed_at > end + _SLACK or "invalid_grant" not in err.detail:
        return err
    return SignInExpired(
        "Google ended this practitioner's sign-in after 7 days, as it does while the practice's "
        'Google app is in "Testing".',
        "In the Google Cloud console open Google Auth Platform > Audience and press Publish app; "
        "then press Connect to Google. Nothing is lost.",
        detail=f"{err.detail} testing",
    )
