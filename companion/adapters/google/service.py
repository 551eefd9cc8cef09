"""GoogleGateway: the `Google` port. Owns the threads and one `GoogleAccount` per practitioner."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from companion.adapters.google import sign_in
from companion.adapters.google.account import (
    GoogleAccount,
    Json,
    Token,
    in_thread,
    revoke,
)
from companion.adapters.google.calendar import GoogleCalendar
from companion.adapters.google.client_file import (
    OAuthClient,
    ServiceAccountKey,
    is_safe,
    read_client,
)
from companion.adapters.google.delegation import DelegatedTokens
from companion.adapters.google.selftest import CalendarSelfTest
from companion.domain.calendar_writers import NOBODY, CalendarWriter
from companion.domain.errors import (
    BadInput,
    CalendarGone,
    ClientFileMissing,
    SecretsDamaged,
    SignInError,
    SignInExpired,
)
from companion.services.google.client import client_replaced
from companion.services.ports import (
    Assumption,
    CalendarInfo,
    ClientFile,
    Clock,
    MarkedCalendar,
    SecretStore,
    SignedIn,
    SignInRequest,
)
from companion.services.threads import Threads

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

    from companion.adapters.google.transport import GoogleConnection

CLIENT_NAME, KEY_NAME = "google/client", "google/service-account"
"""In the SecretStore."""
DESCRIPTION = (
    "Kept up to date by Calendar Companion from the practice's appointment book. "
    "Changes made to its events here are put back."
)
_MARK = re.compile(r"\[(companion-(?!selftest)[\w-]+)\]")
"""Of a calendar that was made to stay, in its description."""


class GoogleGateway:
    def __init__(
        self,
        *,
        secrets: SecretStore,
        clock: Clock,
        install_id: str = "",
        api_root: str = "",
        threads: int = 16,
        timeout: float = 20.0,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`install_id`: keeps `quotaUser` apart from other installations'. `api_root`:
        COMPANION_GOOGLE_API, empty for Google's own; raises BadInput for one that
        would carry tokens in clear over a network. `timeout`: seconds for each step of a call."""
        root = api_root.strip()
        if root and not is_safe(root):
            raise BadInput(
                "COMPANION_GOOGLE_API is not a secure address.",
                "Use one that begins with https://, or remove the variable.",
                field="COMPANION_GOOGLE_API",
            )
        root = root if not root or root.endswith("/") else f"{root}/"
        self._secrets = secrets
        self._clock = clock
        self._install = install_id
        self._wall_clock = wall_clock

        def make() -> GoogleConnection:
            from companion.adapters.google.transport import GoogleConnection

            return GoogleConnection(root, timeout)

        self._threads: Threads[GoogleConnection] = Threads(
            make,
            interrupt=lambda connection: connection.interrupt(),
            end=lambda connection: connection.close(),
            size=threads,
            name="google",
        )
        self._delegated = DelegatedTokens(clock=clock, key=self._key, mint=self._mint)
        self._accounts: dict[str, GoogleAccount] = {}

    def close(self) -> None:
        """Interrupt the calls in progress; the gateway cannot be used afterwards."""
        self._threads.close()

    # Sign-in

    def check_client(self, content: bytes) -> ClientFile:
        client = read_client(content)
        return ClientFile(
            name=client.name,
            client_id=client.client_id,
            token_uri=client.token_uri,
            digest=client.digest,
            service_account=client.email if isinstance(client, ServiceAccountKey) else "",
        )

    async def begin_sign_in(
        self, *, redirect_uri: str, scopes: Sequence[str], login: str
    ) -> SignInRequest:
        client = await self._client()
        return await in_thread(
            self._threads,
            lambda _line: sign_in.begin(
                client, redirect_uri=redirect_uri, scopes=scopes, login=login
            ),
        )

    async def finish_sign_in(self, request: SignInRequest, response_url: str) -> SignedIn:
        code = sign_in.code_of(request, response_url)
        client = await self._client()
        if sign_in.client_of(request) != client.client_id:
            raise client_replaced()
        answer = await in_thread(
            self._threads, lambda connection: sign_in.exchange(connection, client, request, code)
        )
        return sign_in.signed_in(client, request, answer, self._clock.now())

    async def delegate(
        self, practitioner_id: str, *, login: str, scopes: Sequence[str]
    ) -> SignedIn:
        await self._delegated.fresh(login, scopes)
        client_id = (await self._key()).client_id
        now = self._clock.now()
        whose = f"{self._install}/{practitioner_id}".encode()
        token = Token(
            refresh_token="",
            client_id=client_id,
            account=login,
            scopes=tuple(scopes),
            consented_at=now,
            renewed_at=now,
            quota_user=hashlib.sha256(whose).hexdigest()[:32],
        )
        return SignedIn(
            account=login,
            granted_scopes=tuple(scopes),
            token=token.to_json(),
            delegated=client_id,
            client_id=client_id,
        )

    async def discard(self, signed_in: SignedIn) -> None:
        token = Token.from_json(signed_in.token)
        if not token.delegated:
            await revoke(self._threads, await self._client(), token)

    def same_sign_in(self, token: str, other: str) -> bool:
        try:
            return Token.from_json(token).same_grant(Token.from_json(other))
        except SecretsDamaged:
            return token == other

    async def revoke(self, practitioner_id: str) -> None:
        try:
            await self._account(practitioner_id).revoke()
        except SignInExpired:
            return  # nothing is stored: there is nothing to give back

    async def forget(self, practitioner_id: str) -> None:
        self._accounts.pop(practitioner_id, None)

    # Calendars

    async def calendar(
        self, practitioner_id: str, calendar_id: str, writer: CalendarWriter = NOBODY
    ) -> GoogleCalendar:
        account = await self._opened(practitioner_id)
        return GoogleCalendar(account, calendar_id, writer, self._wall_clock)

    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]:
        account = await self._opened(practitioner_id)
        return [_info(item) for item in await self._list(account)]

    async def create_calendar(
        self, practitioner_id: str, name: str, timezone: str, mark: str
    ) -> CalendarInfo:
        account = await self._opened(practitioner_id)
        body = {
            "summary": name,
            "timeZone": timezone,
            "description": f"{DESCRIPTION} [{mark}]",
        }
        return _info(
            {
                "accessRole": "owner",
                **await account.ask(lambda connection: connection.calendars.insert(body=body)),
            }
        )

    async def marked_calendars(self, practitioner_id: str) -> list[MarkedCalendar]:
        """Google's narrow scope `calendar.app.created` does not open the list of calendars."""
        account = await self._opened(practitioner_id)
        found = []
        for item in await self._list(account):
            mark = _MARK.search(str(item.get("description") or ""))
            if mark is not None:
                found.append(MarkedCalendar(info=_info(item), mark=mark[1]))
        return found

    async def delete_calendar(self, practitioner_id: str, calendar_id: str) -> None:
        account = await self._opened(practitioner_id)
        with contextlib.suppress(CalendarGone):
            await account.ask(
                lambda connection: connection.calendars.delete(calendarId=calendar_id)
            )

    async def check_assumptions(
        self, practitioner_id: str, calendar_id: str, tell: Callable[[Assumption], None]
    ) -> list[Assumption]:
        account = await self._opened(practitioner_id)
        return await CalendarSelfTest(account, calendar_id, self._clock).run(tell)

    # Parts

    async def _opened(self, practitioner_id: str) -> GoogleAccount:
        account = self._account(practitioner_id)
        await account.open()
        return account

    def _account(self, practitioner_id: str) -> GoogleAccount:
        account = self._accounts.get(practitioner_id)
        if account is None:
            account = self._accounts[practitioner_id] = GoogleAccount(
                practitioner_id,
                secrets=self._secrets,
                clock=self._clock,
                threads=self._threads,
                client=self._client,
                delegated=self._delegated,
            )
        return account

    async def _client(self) -> OAuthClient:
        client = await self._stored(CLIENT_NAME)
        if not isinstance(client, OAuthClient):
            raise ClientFileMissing
        return client

    async def _key(self) -> ServiceAccountKey:
        key = await self._stored(KEY_NAME)
        if not isinstance(key, ServiceAccountKey):
            raise ClientFileMissing(
                "The key of the practice's service account is not here.",
                "Add it under Practice > Google Workspace, or: python run.py google client FILE",
            )
        return key

    async def _stored(self, name: str) -> OAuthClient | ServiceAccountKey | None:
        stored = await self._secrets.get(name)
        try:
            return None if stored is None else read_client(stored.encode())
        except BadInput as err:
            raise SignInError(err.what, err.remedy) from err

    async def _mint(
        self, key: ServiceAccountKey, account: str, scopes: Collection[str]
    ) -> Credentials:
        return await in_thread(self._threads, lambda line: line.mint(key, account, scopes))

    async def _list(self, account: GoogleAccount) -> list[Json]:
        """Calendars this account may write to."""
        pages = account.pages(
            lambda connection, token: connection.calendar_list.list(
                minAccessRole="writer", maxResults=250, showHidden=True, pageToken=token
            )
        )
        return [item async for page in pages for item in page.get("items") or ()]


def _info(item: Json) -> CalendarInfo:
    return CalendarInfo(
        id=str(item.get("id") or ""),
        name=str(item.get("summaryOverride") or item.get("summary") or ""),
        access_role=str(item.get("accessRole") or ""),
        primary=bool(item.get("primary")),
        timezone=str(item.get("timeZone") or ""),
    )
