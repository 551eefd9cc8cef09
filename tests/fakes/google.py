"""Google in memory: faithful in ids, tombstones, ETags, scopes and accounts, with faults on demand.

`FakeRemoteCalendar` is one calendar; `FakeGoogle` is the gateway with its accounts, sign-ins and
calendars. Both pass the contract suites that the real adapter passes against the simulator.

Breaking it: `fail_next(error)` fails whole calls before anything happened, `lose_answers(n)`
commits and then loses the answer, `die_after(parts)` commits the first parts of a batch and loses
everything, `fail_parts[event_id] = error` refuses one event until taken out again. `hook`, when
set, is awaited around every call with ("before" | "after", name): tests crash there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from companion.domain.calendar_writers import NOBODY, CalendarWriter
from companion.domain.errors import (
    BadInput,
    ClientFileMissing,
    CompanionError,
    DelegationRefused,
    Offline,
    RemoteError,
    ScopeMissing,
    SignInDenied,
    SignInError,
    SignInExpired,
)
from companion.services.ports import (
    Assumption,
    CalendarInfo,
    ClientFile,
    MarkedCalendar,
    SecretStore,
    SignedIn,
    SignInRequest,
)
from tests.fakes.google_calendar import FakeRemoteCalendar, Hook, OpenedCalendar

APP_CREATED = "https://www.googleapis.com/auth/calendar.app.created"
EVENTS_OWNED = "https://www.googleapis.com/auth/calendar.events.owned"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
CALENDAR_LIST = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"


@dataclass(slots=True, kw_only=True)
class FakeGoogle:
    """A Google gateway: give it the same SecretStore as the service under test."""

    secrets: SecretStore
    now: Callable[[], datetime] = lambda: datetime(2026, 3, 2, 9, tzinfo=UTC)
    calendars_by_id: dict[str, FakeRemoteCalendar] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Calendar id to the account that owns it."""
    guests: dict[str, set[str]] = field(default_factory=dict)
    """Calendar id to accounts with whom it is shared."""
    made_by_us: set[str] = field(default_factory=set)
    makers: dict[str, str] = field(default_factory=dict)
    """Calendar id to the client that made it: the scope `calendar.app.created` reaches its own."""
    authorised: set[str] = field(default_factory=lambda: {APP_CREATED, CALENDAR_LIST})
    """Scopes of the service account, in the Admin console."""
    strangers: set[str] = field(default_factory=set)
    """Logins that the Workspace does not know."""
    minted: list[str] = field(default_factory=list)
    """Logins for which a token was asked for, in order."""
    marks: dict[str, str] = field(default_factory=dict)
    """Mark to the calendar that bears it."""
    revoked: set[str] = field(default_factory=set)
    """Accounts whose consent was withdrawn: as at Google, all tokens of an account die at once."""
    revocations: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    fail_create: RemoteError | None = None
    create_loses_answer: bool = False
    out_of_reach: type[CompanionError] = ScopeMissing
    """What Google answers for a calendar that the permission does not extend to."""
    offline: bool = False
    assumptions: Sequence[Assumption] = (Assumption(id="own-id", assumed="An id is kept."),)
    """What a self-test finds."""
    hook: Hook | None = None
    """Awaited around the calls of the gateway, and of calendars it makes."""
    creations: int = 0
    _consents: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # What people do in Google

    def add_calendar(
        self, calendar_id: str, owner: str, *, name: str = "Work", access_role: str = "owner"
    ) -> FakeRemoteCalendar:
        made = FakeRemoteCalendar(now=self.now, id=calendar_id, name=name, access_role=access_role)
        self.calendars_by_id[calendar_id] = made
        self.owners[calendar_id] = owner
        return made

    def consent(self, url: str, account: str, *, untick: Sequence[str] = ()) -> str:
        """A person allows at Google; returns the address Google sends the browser back to."""
        asked = _parameters(url)
        code = f"code-{next(self._numbers)}"
        granted = tuple(each for each in asked["scope"].split() if each not in untick)
        self._consents[code] = (account, granted)
        self.revoked.discard(account)
        answer = urlencode({"state": asked["state"], "code": code, "scope": " ".join(granted)})
        return f"{asked['redirect_uri']}?{answer}"

    def refuse(self, url: str) -> str:
        """A person presses Cancel at Google."""
        asked = _parameters(url)
        answer = urlencode({"state": asked["state"], "error": "access_denied"})
        return f"{asked['redirect_uri']}?{answer}"

    # Google

    def check_client(self, content: bytes) -> ClientFile:
        try:
            document = json.loads(content)
            key = document.get("type") == "service_account"
            said = document if key else document["installed"]
            name = str(said["project_id"])
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise BadInput("This is not a Google client file.", field="file") from err
        return ClientFile(
            service_account=str(said["client_email"]) if key else "",
            name=name,
            client_id=str(said.get("client_id", name)),
            token_uri=str(said.get("token_uri", "")),
            digest=json.dumps(said, sort_keys=True),
        )

    async def begin_sign_in(
        self, *, redirect_uri: str, scopes: Sequence[str], login: str
    ) -> SignInRequest:
        if await self.secrets.get("google/client") is None:
            raise ClientFileMissing
        state = f"state-{next(self._numbers)}"
        named = {"redirect_uri": redirect_uri, "scope": " ".join(scopes)}
        query = urlencode({**named, "state": state, "login_hint": login})
        return SignInRequest(
            url=f"https://accounts.example/auth?{query}",
            state=state,
            code_verifier="verifier",
            redirect_uri=redirect_uri,
            scopes=tuple(scopes),
        )

    async def finish_sign_in(self, request: SignInRequest, response_url: str) -> SignedIn:
        await asyncio.sleep(0)
        if self.offline:
            raise Offline
        await self._at("before", "exchange")
        answer = _parameters(response_url)
        if answer.get("state") != request.state:
            raise SignInError("This answer belongs to another sign-in.")
        if answer.get("error") == "access_denied":
            raise SignInDenied
        consent = self._consents.pop(answer.get("code", ""), None)
        if consent is None:
            raise SignInError
        account, granted = consent
        await self._at("after", "exchange")
        client_id = await self._client_id()
        token = json.dumps(
            {
                "account": account,
                "scopes": list(granted),
                "serial": next(self._numbers),
                "client": client_id,
            }
        )
        return SignedIn(account=account, granted_scopes=granted, token=token, client_id=client_id)

    async def delegate(
        self, practitioner_id: str, *, login: str, scopes: Sequence[str]
    ) -> SignedIn:
        await asyncio.sleep(0)
        key = await self._key()
        if self.offline:
            raise Offline
        self.minted.append(login)
        await self._at("before", "mint")
        if login in self.strangers:
            raise DelegationRefused("Google Workspace knows nobody with this Google Login.")
        if not set(scopes) <= self.authorised:
            raise DelegationRefused("Google Workspace has not authorised the service account.")
        token = {"account": login, "scopes": list(scopes), "delegated": key}
        return SignedIn(
            account=login, granted_scopes=tuple(scopes), token=json.dumps(token), delegated=key
        )

    def same_sign_in(self, token: str, other: str) -> bool:
        return token == other

    async def discard(self, signed_in: SignedIn) -> None:
        await asyncio.sleep(0)
        if "delegated" in json.loads(signed_in.token):
            return
        if self.offline:
            raise Offline
        self.revocations.append(signed_in.account)
        self.revoked.add(signed_in.account)

    async def calendar(
        self, practitioner_id: str, calendar_id: str, writer: CalendarWriter = NOBODY
    ) -> OpenedCalendar:
        account, scopes = await self._signed_in(practitioner_id)
        client = await self._maker(practitioner_id)
        found = self.calendars_by_id.get(calendar_id)
        if found is None:
            return OpenedCalendar(FakeRemoteCalendar(id=calendar_id, gone=True), writer)
        owned = self.owners[calendar_id] == account
        reached = (
            EVENTS in scopes
            or (EVENTS_OWNED in scopes and owned)
            or (
                APP_CREATED in scopes
                and owned
                and calendar_id in self.made_by_us
                and self.makers.get(calendar_id, client) == client
            )
        )
        if not reached:
            raise self.out_of_reach()
        return OpenedCalendar(found, writer)

    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]:
        account, scopes = await self._signed_in(practitioner_id)
        if CALENDAR_LIST not in scopes:
            raise ScopeMissing
        return [
            each.described
            for each in self.calendars_by_id.values()
            if self.owners[each.id] == account or account in self.guests.get(each.id, ())
        ]

    async def create_calendar(
        self, practitioner_id: str, name: str, timezone: str, mark: str
    ) -> CalendarInfo:
        account, scopes = await self._signed_in(practitioner_id)
        if APP_CREATED not in scopes:
            raise ScopeMissing
        await self._at("before", "create")
        if self.fail_create is not None:
            raise self.fail_create
        self.creations += 1
        calendar_id = f"made-{next(self._numbers)}@group.calendar.google.com"
        made = self.add_calendar(calendar_id, account, name=name)
        made.timezone, made.hook = timezone, self.hook
        self.made_by_us.add(calendar_id)
        self.makers[calendar_id] = await self._maker(practitioner_id)
        self.marks[mark] = calendar_id
        if self.create_loses_answer:
            self.create_loses_answer = False
            raise Offline
        await self._at("after", "create")
        return made.described

    async def marked_calendars(self, practitioner_id: str) -> list[MarkedCalendar]:
        account, scopes = await self._signed_in(practitioner_id)
        await self._at("before", "find")
        if CALENDAR_LIST not in scopes:
            raise ScopeMissing
        found = [
            MarkedCalendar(info=self.calendars_by_id[each].described, mark=mark)
            for mark, each in self.marks.items()
            if each in self.calendars_by_id and self.owners[each] == account
        ]
        await self._at("after", "find")
        return found

    async def delete_calendar(self, practitioner_id: str, calendar_id: str) -> None:
        await self._signed_in(practitioner_id)
        self.calendars_by_id.pop(calendar_id, None)

    async def revoke(self, practitioner_id: str) -> None:
        await asyncio.sleep(0)
        token = await self._token(practitioner_id)
        if token.get("delegated"):
            return
        if self.offline:
            raise Offline
        if token:
            self.revocations.append(token["account"])
            self.revoked.add(token["account"])

    async def forget(self, practitioner_id: str) -> None:
        self.forgotten.append(practitioner_id)

    async def close(self) -> None:
        pass

    async def check_assumptions(
        self, practitioner_id: str, calendar_id: str, tell: Callable[[Assumption], None]
    ) -> list[Assumption]:
        await self._signed_in(practitioner_id)
        assert calendar_id in self.calendars_by_id
        for line in self.assumptions:
            tell(line)
        return list(self.assumptions)

    async def _key(self) -> str:
        """Client id of the service account. Raises ClientFileMissing."""
        stored = await self.secrets.get("google/service-account")
        if stored is None:
            raise ClientFileMissing("The key of the practice's service account is not here.")
        return str(json.loads(stored)["client_id"])

    async def _client_id(self) -> str:
        """Of the practice's Google client."""
        client = await self.secrets.get("google/client")
        return self.check_client(client.encode()).client_id if client else ""

    async def _token(self, practitioner_id: str) -> dict[str, Any]:
        """Empty where there is none."""
        stored = await self.secrets.get(f"google/token/{practitioner_id}")
        token: dict[str, Any] = json.loads(stored or "{}")
        return token

    async def _maker(self, practitioner_id: str) -> str:
        """Client id of whoever speaks for the practitioner."""
        token = await self._token(practitioner_id)
        return str(token.get("delegated") or token["client"])

    async def _at(self, when: str, name: str) -> None:
        if self.hook is not None:
            await self.hook(when, name)

    async def _signed_in(self, practitioner_id: str) -> tuple[str, tuple[str, ...]]:
        await asyncio.sleep(0)
        if self.offline:
            raise Offline
        token = await self._token(practitioner_id)
        if not token:
            raise SignInExpired("This practitioner is not connected to Google.")
        if "delegated" in token:
            if token["delegated"] != await self._key():
                raise DelegationRefused("The practice's service account was replaced.")
            if token["account"] in self.strangers or not set(token["scopes"]) <= self.authorised:
                raise DelegationRefused
        elif token["account"] in self.revoked:
            raise SignInExpired
        return str(token["account"]), tuple(token["scopes"])


def _parameters(url: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
