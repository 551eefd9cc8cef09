"""Connecting: a practitioner's Google account and calendar, from sign-in to choosing and checking.

`begin` gives the address for the browser, `finish` takes the address Google sends it back to.
Nothing is kept until everything is right: the account is compared with the Google Login, the
granted scopes with those asked for, and the calendar is created or opened. Meanwhile the fresh
sign-in lies under a name of its own (`<practitioner>.new`), so that a failure leaves an existing
connection untouched.

A sign-in that is not kept is given back to Google, unless its account is in use here: Google
drops *all* sign-ins of an account with this client when one is revoked, and the receptionist who
picked the wrong account most likely picked a colleague's that is connected.

A calendar of our own is made once, whatever fails: see `calendar_creation`. What failed for a
moment does not end the sign-in at Google either.

After connecting, an audit is due: it adopts our events that the calendar already holds.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from companion.domain.errors import (
    AccountParked,
    CompanionError,
    PermissionDenied,
    ScopeMissing,
    SignInError,
    TransientError,
    WrongAccount,
)
from companion.domain.event_keys import is_notice
from companion.domain.reconcile import ObservedEvent
from companion.domain.settings import GoogleLink
from companion.domain.sync_state import SyncState
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.google import consents
from companion.services.google.account_changes import AccountChanges
from companion.services.google.calendar_creation import CalendarCreations, must_look, used
from companion.services.google.checks import CalendarChecks, CheckResult
from companion.services.google.client import ClientChange, PracticeClient
from companion.services.google.consents import CalendarChoice, same_account
from companion.services.google.disconnecting import Disconnecting
from companion.services.google.pending import Pending, PendingSignIns, SignInStart, try_again
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    CalendarInfo,
    Clock,
    Google,
    Ledger,
    SecretStore,
    SettingsStore,
    SignedIn,
    calendar_of,
)
from companion.services.sync.syncing import Syncing

__all__ = [
    "CalendarChoice",
    "CheckResult",
    "ClientChange",
    "Connected",
    "Connecting",
    "SignInStart",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    practitioner_id: str
    account: str
    calendar_id: str
    """Empty after a sign-in to choose from a list."""
    calendar_name: str
    adopted: int
    """Events of ours that the calendar already holds."""
    ends_at: datetime | None = None
    """When Google ends the sign-in by itself, as it does in testing mode."""


class Connecting:
    def __init__(
        self,
        *,
        google: Google,
        settings: SettingsStore,
        secrets: SecretStore,
        ledger: Ledger,
        activity: ActivityLog,
        clock: Clock,
        syncing: Syncing,
        random_word: Callable[[], str] = lambda: randomness.token_hex(8),
    ) -> None:
        self._google = google
        self._settings = settings
        self._secrets = secrets
        self._ledger = ledger
        self._clock = clock
        self._random_word = random_word
        self._pending = PendingSignIns(clock)
        self._client = PracticeClient(google, settings, secrets)
        self._changes = AccountChanges(google, settings, secrets, activity, clock)
        self._checks = CalendarChecks(google, settings, self._changes, ledger, clock, random_word)
        self._creations = CalendarCreations(google, self._changes, clock, random_word)
        self._disconnecting = Disconnecting(self._changes, ledger, syncing)

    # ── the practice's client ─────────────────────────────────────────────────────────────────

    @allows(Action.PRACTICE)
    async def set_client(self, content: bytes, *, replace: bool = False) -> ClientChange:
        """Check and keep the practice's client file. Raises BadInput.

        Another client than the one that people are signed in with is kept only with `replace`."""
        change = await self._client.keep(content, replace=replace)
        if not change.held and change.kind != "same":
            await self._changes.log("", ActivityKind.CONNECT, change.sentence)
        return change

    @allows(Action.GOOGLE, somewhere=True)
    async def client_name(self) -> str | None:
        """None while there is no client."""
        return await self._client.name()

    @allows(Action.GOOGLE, somewhere=True)
    async def client_id(self) -> str:
        """What an administrator of Google Workspace has to trust; empty without a client."""
        return await self._client.client_id()

    # ── signing in ────────────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def begin(
        self,
        practitioner_id: str,
        *,
        login: str = "",
        calendar: CalendarChoice | None = None,
        redirect_uri: str,
        user: str = "",
    ) -> SignInStart:
        """`login`: the Google Login, empty for the one known. `calendar`: None keeps the present
        calendar, or makes one the first time."""
        link = self._changes.record(practitioner_id).google
        wanted = login.strip() or link.login
        choice = (calendar or consents.default_choice(link)).checked()
        if choice.kind == "existing":
            self._changes.check_free(practitioner_id, choice.calendar_id)
        state = await self._ledger.state(practitioner_id)
        shared = choice.kind == "existing" and state.shared_calendar == choice.calendar_id
        request = await self._google.begin_sign_in(
            redirect_uri=redirect_uri,
            scopes=consents.scopes_for(choice, link, shared=shared, look=must_look(link, wanted)),
            login=wanted,
        )
        return self._pending.add(practitioner_id, request, user=user, login=wanted, choice=choice)

    @allows(Action.GOOGLE, of="practitioner_id")
    def waiting(self, practitioner_id: str) -> SignInStart | None:
        """The sign-in under way, if any."""
        return self._pending.waiting(practitioner_id)

    @allows(Action.GOOGLE, somewhere=True)
    def cancel(self, state: str) -> None:
        self._pending.cancel(state)

    async def finish(
        self, response_url: str, *, user: str = "", upload_by_hand: bool = False
    ) -> Connected:
        """With `upload_by_hand` an empty calendar waits for a person to press Upload to Google;
        otherwise the sync begins by itself.

        Raises SignInTimedOut, SignInDenied, WrongAccount, ScopeMissing, CalendarGone … and
        then nothing has changed."""
        state = parse_qs(urlsplit(response_url).query).get("state", [""])[0]
        pending = self._pending.take(state, user)
        try:
            signed_in = await self._google.finish_sign_in(pending.request, response_url)
        except TransientError as error:
            raise try_again(error) from error
        practitioner_id = pending.start.practitioner_id
        trial = f"{practitioner_id}.new"
        try:
            self._check(pending, signed_in)
            await self._changes.keep_token(trial, signed_in)
            try:
                link, adopted = await self._join(trial, pending, signed_in)
            finally:
                await self._changes.drop_token(trial)
        except TransientError as error:
            raise try_again(error) from error
        except AccountParked:
            raise  # the sign-in is as good as before
        except CompanionError:
            await self._changes.discard(signed_in)
            raise
        await self._keep(
            practitioner_id,
            signed_in,
            link,
            holds_ours=adopted > 0,
            upload_by_hand=upload_by_hand,
        )
        return Connected(
            practitioner_id=practitioner_id,
            account=link.account,
            calendar_id=link.calendar_id,
            calendar_name=link.calendar_name,
            adopted=adopted,
            ends_at=link.ends_at,
        )

    def _check(self, pending: Pending, signed_in: SignedIn) -> None:
        if not signed_in.account:
            raise SignInError("Google did not say which account signed in.")
        if pending.login and not same_account(pending.login, signed_in.account):
            raise WrongAccount(
                f"{signed_in.account} signed in, but the Google Login is {pending.login}."
            )
        if consents.missing(pending.request.scopes, signed_in.granted_scopes):
            raise ScopeMissing

    async def _join(
        self, trial: str, pending: Pending, signed_in: SignedIn
    ) -> tuple[GoogleLink, int]:
        """The link as it will be, and how many of our events the calendar already holds."""
        practitioner_id, choice = pending.start.practitioner_id, pending.choice
        old = self._changes.record(practitioner_id).google
        link = replace(
            old,
            login=pending.login or signed_in.account,
            account=signed_in.account,
            scopes=signed_in.granted_scopes,
            connected_at=self._clock.now(),
            ends_at=signed_in.ends_at,
        )
        if choice.kind == "list":
            return replace(link, calendar_id="", calendar_name="", created_by_us=False), 0
        if choice.kind == "new":
            info = await self._creations.make(
                trial,
                practitioner_id,
                account=signed_in.account,
                granted=signed_in.granted_scopes,
                name=choice.name,
            )
            # Nothing is listed: no connection has used this calendar yet.
            kept = self._changes.record(practitioner_id).google.creations
            link = replace(
                link,
                calendar_id=info.id,
                calendar_name=info.name,
                created_by_us=True,
                creations=kept,
            )
            return used(link, info.id), 0
        wanted = choice.calendar_id
        wanted = signed_in.account if wanted == "primary" else wanted
        self._changes.check_free(practitioner_id, wanted)
        info = await self._open(trial, practitioner_id, wanted)
        created = old.created_by_us and wanted == old.calendar_id
        calendar = await self._google.calendar(trial, info.id)
        adopted = _appointments(await calendar.list_ours(None, None))
        link = replace(
            link,
            calendar_id=info.id,
            calendar_name=info.name,
            created_by_us=created,
        )
        return used(link, info.id), adopted

    async def _open(self, trial: str, practitioner_id: str, calendar_id: str) -> CalendarInfo:
        try:
            calendar = await self._google.calendar(trial, calendar_id)
            info = await calendar.info()
        except ScopeMissing as err:
            await self._ledger.edit_state(
                practitioner_id, lambda state: replace(state, shared_calendar=calendar_id)
            )
            raise ScopeMissing(
                "This account does not own that calendar; it is shared with it.",
                "Press Connect to Google again: Google then asks for the wider permission that "
                "a shared calendar needs. Or let us create a new calendar.",
            ) from err
        if info.access_role not in {"owner", "writer"}:
            raise PermissionDenied
        return info

    async def _keep(
        self,
        practitioner_id: str,
        signed_in: SignedIn,
        link: GoogleLink,
        *,
        holds_ours: bool,
        upload_by_hand: bool,
    ) -> None:
        before = self._changes.record(practitioner_id).google
        if before.account and not same_account(before.account, link.account):
            # It is no longer used.
            await self._changes.revoke(practitioner_id, before.account)
        await self._changes.keep_token(practitioner_id, signed_in)
        enabled = True if link.calendar_id else None
        record = await self._changes.edit(practitioner_id, lambda _old: link, enabled=enabled)
        # An empty calendar without ledger rows: there is nothing to compare.
        audit_due = holds_ours or bool(await self._ledger.entries(calendar_of(record)))
        another = not same_account(before.account, link.account)

        def begin(state: SyncState) -> SyncState:
            if another:
                state = replace(state, parked_until=None, parkings=0)
            if link.calendar_id != before.calendar_id:
                state = replace(state, others={}, overruled_by="", claimed=False)
            awaiting = upload_by_hand and not audit_due
            return replace(state, audit_due=audit_due, awaiting_upload=awaiting, trouble=None)

        await self._ledger.edit_state(practitioner_id, begin)
        await self._changes.log(practitioner_id, ActivityKind.CONNECT, "Connected to Google.")

    # ── choosing from a list ──────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]:
        """Those the account may write to; needs a sign-in with the choice ``list``."""
        return await self._google.calendars(practitioner_id)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def choose(self, practitioner_id: str, calendar_id: str) -> Connected:
        """Take another calendar of the account that is signed in."""
        wanted = CalendarChoice(kind="existing", calendar_id=calendar_id).checked().calendar_id
        account = self._changes.record(practitioner_id).google.account
        wanted = account if wanted == "primary" else wanted
        self._changes.check_free(practitioner_id, wanted)
        info = await self._open(practitioner_id, practitioner_id, wanted)
        calendar = await self._google.calendar(practitioner_id, info.id)
        adopted = _appointments(await calendar.list_ours(None, None))

        def take(link: GoogleLink) -> GoogleLink:
            made = link.created_by_us and link.calendar_id == info.id
            return replace(link, calendar_id=info.id, calendar_name=info.name, created_by_us=made)

        await self._changes.edit(practitioner_id, take, enabled=True)
        await self._ledger.edit_state(
            practitioner_id, lambda state: replace(state, audit_due=True, trouble=None)
        )
        await self._changes.log(
            practitioner_id, ActivityKind.CONNECT, "Another Google calendar was chosen."
        )
        return Connected(
            practitioner_id=practitioner_id,
            account=account,
            calendar_id=info.id,
            calendar_name=info.name,
            adopted=adopted,
        )

    # ── checks ────────────────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def test(self, practitioner_id: str) -> CheckResult:
        """*Test Credentials*."""
        return await self._checks.test(practitioner_id)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def check(self, practitioner_id: str) -> CheckResult:
        """*Check Calendar is accessible*: writes an event and removes it."""
        return await self._checks.check(practitioner_id)

    # ── disconnecting ─────────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def disconnect(self, practitioner_id: str, *, remove_events: bool = False) -> int:
        """As `Disconnecting.disconnect`: how many events were removed."""
        self._pending.cancel_all(practitioner_id)
        return await self._disconnecting.disconnect(practitioner_id, remove_events=remove_events)


def _appointments(listed: Iterable[ObservedEvent]) -> int:
    return sum(not is_notice(event.key) for event in listed)
