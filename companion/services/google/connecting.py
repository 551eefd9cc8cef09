"""Connecting: a practitioner's Google account and calendar, from sign-in to disconnecting.

`begin` gives the address for the browser, `finish` takes the address Google sends it back to.
Nothing is kept until everything is right: the account is compared with the Google Login, the
granted scopes with those asked for, and the calendar is created or opened. Meanwhile the fresh
sign-in lies under a name of its own (`<practitioner>.new`), so that a failure leaves an existing
connection untouched.

A sign-in that is not kept is given back to Google, unless its account is in use here: Google
drops *all* sign-ins of an account with this client when one is revoked, and the receptionist who
picked the wrong account most likely picked a colleague's that is connected.

Creating a calendar is not idempotent at Google, so the intent is saved first (`creating`), and a
later try looks for a calendar bearing that mark before it creates another.

After connecting, an audit is due: it adopts our events that the calendar already holds.
"""

from __future__ import annotations

import contextlib
import secrets as randomness
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from companion.domain.errors import (
    BadInput,
    CompanionError,
    NotFound,
    PermissionDenied,
    RemoteError,
    ScopeMissing,
    SignInError,
    SignInExpired,
    WrongAccount,
)
from companion.domain.event_keys import is_notice
from companion.domain.reconcile import ObservedEvent
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings
from companion.domain.sync_state import SyncState
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.google import checks as calendar_checks
from companion.services.google import consents
from companion.services.google.checks import CheckResult
from companion.services.google.client import ClientChange, PracticeClient
from companion.services.google.consents import CalendarChoice, same_account
from companion.services.google.pending import Pending, PendingSignIns, SignInStart
from companion.services.ports import (
    Activity,
    ActivityLog,
    CalendarInfo,
    CalendarRef,
    Clock,
    Google,
    Ledger,
    RemoteCalendar,
    SecretStore,
    SettingsStore,
    SignedIn,
)
from companion.services.sync.removal import Pace, take_events_out

_EVENTS_STAY = "Disconnected from Google; the events stay there as they are."

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


async def _at_once(_account: str, _units: int) -> None:
    """No pace at all."""


def _alone(_practitioner_id: str) -> AbstractAsyncContextManager[None]:
    """Where nothing else could write."""
    return contextlib.nullcontext()


class Connecting:
    def __init__(  # noqa: PLR0913 - the parts of the house that it joins; main names each
        self,
        *,
        google: Google,
        settings: SettingsStore,
        secrets: SecretStore,
        ledger: Ledger,
        activity: ActivityLog,
        clock: Clock,
        nudge: Callable[[str], None] = lambda _practitioner_id: None,
        pace: Pace = _at_once,
        paused_sync: Callable[[str], AbstractAsyncContextManager[None]] = _alone,
        random_word: Callable[[], str] = lambda: randomness.token_hex(8),
    ) -> None:
        """`nudge` is told the practitioner whose connection is new; `pace` waits for a share of
        the account's quota; while `still` lasts no pass of a practitioner runs."""
        self._google = google
        self._settings = settings
        self._secrets = secrets
        self._ledger = ledger
        self._activity = activity
        self._clock = clock
        self._nudge = nudge
        self._pace = pace
        self._paused_sync = paused_sync
        self._random_word = random_word
        self._pending = PendingSignIns(clock)
        self._client = PracticeClient(google, settings, secrets)

    # ── the practice's client ─────────────────────────────────────────────────────────────────

    @allows(Action.PRACTICE)
    async def set_client(self, content: bytes, *, replace: bool = False) -> ClientChange:
        """Check and keep the practice's client file. Raises BadInput.

        Another client than the one that people are signed in with is kept only with `replace`."""
        change = await self._client.keep(content, replace=replace)
        if not change.held and change.kind != "same":
            await self._log("", "connect", change.sentence)
        return change

    @allows(Action.GOOGLE, somewhere=True)
    async def client_name(self) -> str | None:
        """None while there is no client."""
        return await self._client.name()

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
        settings = self._settings.read()
        link = _record(settings, practitioner_id).google
        wanted = login.strip() or link.login
        choice = (calendar or consents.default_choice(link)).checked()
        if choice.kind == "existing":
            _nobody_elses(settings, practitioner_id, choice.calendar_id)
        state = await self._ledger.state(practitioner_id)
        shared = choice.kind == "existing" and state.shared_calendar == choice.calendar_id
        request = await self._google.begin_sign_in(
            redirect_uri=redirect_uri,
            scopes=consents.scopes_for(choice, link, shared=shared),
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
        signed_in = await self._google.finish_sign_in(pending.request, response_url)
        practitioner_id = pending.start.practitioner_id
        trial = f"{practitioner_id}.new"
        try:
            self._check(pending, signed_in)
            await self._secrets.put(f"google/token/{trial}", signed_in.token)
            try:
                link, adopted = await self._join(trial, pending, signed_in)
            finally:
                await self._secrets.remove(f"google/token/{trial}")
                await self._google.forget(trial)
        except CompanionError:
            await self._let_go(signed_in)
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
        old = _record(self._settings.read(), practitioner_id).google
        link = replace(
            old,
            login=pending.login or signed_in.account,
            account=signed_in.account,
            scopes=signed_in.granted_scopes,
            connected_at=self._clock.now(),
        )
        if choice.kind == "list":
            return replace(link, calendar_id="", calendar_name="", created_by_us=False), 0
        if choice.kind == "new":
            info = await self._create(trial, practitioner_id, choice.name)
            created = True
        else:
            wanted = choice.calendar_id
            wanted = signed_in.account if wanted == "primary" else wanted
            _nobody_elses(self._settings.read(), practitioner_id, wanted)
            info = await self._open(trial, practitioner_id, wanted)
            created = old.created_by_us and wanted == old.calendar_id
        calendar = await self._google.calendar(trial, info.id)
        adopted = _appointments(await calendar.list_ours(None, None))
        link = replace(
            link,
            calendar_id=info.id,
            calendar_name=info.name,
            created_by_us=created,
            creating="",
        )
        return link, adopted

    async def _create(self, trial: str, practitioner_id: str, name: str) -> CalendarInfo:
        fresh = f"companion-{self._random_word()}"

        def intend(link: GoogleLink) -> GoogleLink:
            return link if link.creating else replace(link, creating=fresh)

        record = await self._change(practitioner_id, intend)
        person = record.practitioner
        return await self._google.create_calendar(
            trial, name or f"Appointments – {person.name}", person.timezone, record.google.creating
        )

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
        before = _record(self._settings.read(), practitioner_id).google
        if before.account and not same_account(before.account, link.account):
            await self._revoke(practitioner_id, before.account)  # nobody would use it any more
        await self._secrets.put(f"google/token/{practitioner_id}", signed_in.token)
        await self._google.forget(practitioner_id)
        await self._change(practitioner_id, lambda _old: link, enable=bool(link.calendar_id))
        ref = CalendarRef(practitioner_id=practitioner_id, calendar_id=link.calendar_id)
        # An empty calendar and no memory of it: there is nothing to compare.
        audit_due = holds_ours or bool(await self._ledger.entries(ref))
        another = not same_account(before.account, link.account)

        def begin(state: SyncState) -> SyncState:
            if another:
                state = replace(state, parked_until=None, parkings=0)
            awaiting = upload_by_hand and not audit_due
            return replace(state, audit_due=audit_due, awaiting_upload=awaiting, trouble=None)

        await self._ledger.edit_state(practitioner_id, begin)
        await self._log(practitioner_id, "connect", "Connected to Google.")
        self._nudge(practitioner_id)

    async def _let_go(self, signed_in: SignedIn) -> None:
        everyone = self._settings.read().practitioners.values()
        in_use = any(same_account(each.google.account, signed_in.account) for each in everyone)
        if signed_in.account and not in_use:
            with contextlib.suppress(CompanionError):  # the reason for refusing matters more
                await self._google.discard(signed_in)

    # ── choosing from a list ──────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]:
        """Those the account may write to; needs a sign-in with the choice ``list``."""
        return await self._google.calendars(practitioner_id)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def choose(self, practitioner_id: str, calendar_id: str) -> Connected:
        """Take another calendar of the account that is signed in."""
        wanted = CalendarChoice(kind="existing", calendar_id=calendar_id).checked().calendar_id
        settings = self._settings.read()
        account = _record(settings, practitioner_id).google.account
        wanted = account if wanted == "primary" else wanted
        _nobody_elses(settings, practitioner_id, wanted)
        info = await self._open(practitioner_id, practitioner_id, wanted)
        calendar = await self._google.calendar(practitioner_id, info.id)
        adopted = _appointments(await calendar.list_ours(None, None))

        def take(link: GoogleLink) -> GoogleLink:
            made = link.created_by_us and link.calendar_id == info.id
            return replace(link, calendar_id=info.id, calendar_name=info.name, created_by_us=made)

        await self._change(practitioner_id, take, enable=True)
        await self._ledger.edit_state(
            practitioner_id, lambda state: replace(state, audit_due=True, trouble=None)
        )
        await self._log(practitioner_id, "connect", "Another Google calendar was chosen.")
        self._nudge(practitioner_id)
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
        link = _record(self._settings.read(), practitioner_id).google
        try:
            calendar = await self._calendar(practitioner_id, link)
        except CompanionError as err:
            return calendar_checks.failed(calendar_checks.CREDENTIALS, err)
        return await calendar_checks.credentials(calendar, link.account)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def check(self, practitioner_id: str) -> CheckResult:
        """*Check Calendar is accessible*: writes an event and removes it."""
        settings = self._settings.read()
        link = _record(settings, practitioner_id).google
        try:
            calendar = await self._calendar(practitioner_id, link)
        except CompanionError as err:
            return calendar_checks.failed(calendar_checks.ACCESSIBLE, err)
        result = await calendar_checks.accessible(
            calendar,
            install=settings.install_id,
            calendar_id=link.calendar_id,
            clock=self._clock,
            nonce=self._random_word(),
        )
        if result.ok:
            await self._log(practitioner_id, "check", "A test event was written and removed again.")
        return result

    async def _calendar(self, practitioner_id: str, link: GoogleLink) -> RemoteCalendar:
        if not link.account:
            raise SignInExpired(
                "This practitioner is not connected to Google.", "Press Connect to Google."
            )
        return await self._google.calendar(practitioner_id, link.calendar_id or "primary")

    # ── disconnecting ─────────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def disconnect(self, practitioner_id: str, *, remove_events: bool = False) -> int:
        """How many events were removed. When removing fails it raises: still connected, but the
        sync switched off, so that it does not put back what was removed.

        The calendar id is kept, so that connecting again finds the same calendar; the ledger's
        rows stay for events that stay."""
        link = _record(self._settings.read(), practitioner_id).google
        self._pending.cancel_all(practitioner_id)
        removed = 0
        if remove_events and link.connected:
            await self._switch_off(practitioner_id)
            remote = await self._google.calendar(practitioner_id, link.calendar_id)
            ref = CalendarRef(practitioner_id=practitioner_id, calendar_id=link.calendar_id)
            async with self._paused_sync(practitioner_id):  # a running upload would go on writing
                removed = await self._take_out(remote, ref, link.account.casefold())
        elif link.connected:
            await self._switch_off(practitioner_id)
            await self._take_notice_out(practitioner_id, link)
        told = await self._revoke(practitioner_id, link.account)
        await self._secrets.remove(f"google/token/{practitioner_id}")
        await self._google.forget(practitioner_id)
        await self._change(
            practitioner_id,
            lambda old: replace(old, account="", scopes=(), connected_at=None),
        )
        await self._switch_off(practitioner_id)
        text = "Disconnected from Google." if remove_events else _EVENTS_STAY
        if not told:
            text += (
                " Google could not be told: remove Calendar Companion under "
                "Third-party access in the Google account."
            )
        await self._log(practitioner_id, "disconnect", text)
        return removed

    async def _take_out(self, remote: RemoteCalendar, ref: CalendarRef, account: str) -> int:
        """Our events of that calendar; also what was removed before it failed is noted."""
        removed: list[str] = []
        try:
            await take_events_out(
                remote,
                self._ledger,
                ref,
                self._clock,
                lambda units: self._pace(account, units),
                removed.extend,
            )
        finally:
            count = sum(not is_notice(key) for key in removed)
            if count:
                text = f"{count} removed from Google"
                await self._log(ref.practitioner_id, "delete", text, count=count)
        await self._ledger.edit_state(
            ref.practitioner_id,
            lambda state: replace(state, events=0, waiting=0, proof=None, held=None),
        )
        return count

    async def _take_notice_out(self, practitioner_id: str, link: GoogleLink) -> None:
        """The events stay, but not the word that they are old: nobody would take it back. What
        Google refuses keeps nobody from disconnecting."""
        ref = CalendarRef(practitioner_id=practitioner_id, calendar_id=link.calendar_id)
        if not any(is_notice(each.key) for each in await self._ledger.entries(ref)):
            return
        with contextlib.suppress(CompanionError):
            remote = await self._google.calendar(practitioner_id, link.calendar_id)
            async with self._paused_sync(practitioner_id):
                await take_events_out(
                    remote,
                    self._ledger,
                    ref,
                    self._clock,
                    lambda units: self._pace(link.account.casefold(), units),
                    only=is_notice,
                )

    async def _revoke(self, practitioner_id: str, account: str) -> bool:
        """False when Google could not be reached. An account that another practitioner uses is
        left alone: revoking would end that connection too."""
        others = self._settings.read().practitioners.items()
        if any(
            key != practitioner_id and same_account(each.google.account, account)
            for key, each in others
        ):
            return True
        try:
            await self._google.revoke(practitioner_id)
        except (RemoteError, SignInError):
            return False
        return True

    async def _switch_off(self, practitioner_id: str) -> None:
        def edit(settings: Settings) -> Settings:
            record = _record(settings, practitioner_id)
            return settings.with_practitioner(
                replace(record, choices=replace(record.choices, enabled=False))
            )

        await self._settings.change(edit)

    # ── parts ─────────────────────────────────────────────────────────────────────────────────

    async def _change(
        self,
        practitioner_id: str,
        edit_link: Callable[[GoogleLink], GoogleLink],
        *,
        enable: bool = False,
    ) -> PractitionerSettings:
        def edit(settings: Settings) -> Settings:
            record = _record(settings, practitioner_id)
            choices = replace(record.choices, enabled=True) if enable else record.choices
            return settings.with_practitioner(
                replace(record, google=edit_link(record.google), choices=choices)
            )

        return _record(await self._settings.change(edit), practitioner_id)

    async def _log(self, practitioner_id: str, kind: str, text: str, *, count: int = 1) -> None:
        line = Activity(
            at=self._clock.now(),
            practitioner_id=practitioner_id,
            cause="connecting",
            kind=kind,
            text=text,
            count=count,
        )
        await self._activity.add([line])


def _record(settings: Settings, practitioner_id: str) -> PractitionerSettings:
    record = settings.practitioners.get(practitioner_id)
    if record is None:
        raise NotFound("That practitioner does not exist any more.", "Reload the list.")
    return record


def _appointments(listed: Iterable[ObservedEvent]) -> int:
    return sum(not is_notice(event.key) for event in listed)


def _nobody_elses(settings: Settings, practitioner_id: str, calendar_id: str) -> None:
    """One calendar for one practitioner: an audit of the one would remove the other's events."""
    for key, each in settings.practitioners.items():
        link = each.google
        if key != practitioner_id and link.connected and link.calendar_id == calendar_id:
            raise BadInput(
                f"That calendar is already kept for {each.practitioner.name}.",
                "Choose another calendar, or let us create a new one.",
                field="calendar",
            )
