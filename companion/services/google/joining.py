"""Joining: from what Google has just granted to a practitioner's connection.

Nothing is kept until everything is right: the calendar is created or opened. Meanwhile the fresh
sign-in lies under a name of its own (`Trials`), so that a failure leaves an existing connection
untouched.

A sign-in that is not kept is given back to Google, unless its account is in use here: Google
drops *all* sign-ins of an account with this client when one is revoked, and the receptionist who
picked the wrong account most likely picked a colleague's that is connected.

A calendar of our own is made once, whatever fails: see `calendar_creation`. What failed for a
moment does not end the sign-in at Google either.

After connecting, an audit is due: it adopts our events that the calendar already holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from companion.domain.calendar_writers import MARK
from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    CalendarInUse,
    CalendarNotReached,
    CompanionError,
    PermissionDenied,
    ScopeMissing,
    SignInTimedOut,
    TransientError,
)
from companion.domain.settings import GoogleLink
from companion.domain.sync_state import SyncState
from companion.services.google.account_changes import AccountChanges
from companion.services.google.calendar_creation import CalendarCreations, begun, used
from companion.services.google.consents import (
    CALENDAR_LIST,
    EVENTS,
    EVENTS_OWNED,
    CalendarChoice,
    missing,
    same_account,
)
from companion.services.google.pending import Decisions, try_again
from companion.services.google.take_over import Holding, TakingOver
from companion.services.google.trials import Trials
from companion.services.ports import (
    ActivityKind,
    CalendarRef,
    Clock,
    Google,
    Ledger,
    SignedIn,
)


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


class Joining:
    def __init__(
        self,
        google: Google,
        changes: AccountChanges,
        creations: CalendarCreations,
        ledger: Ledger,
        clock: Clock,
        give_back: Callable[[str, str], Awaitable[object]],
    ) -> None:
        """`give_back`: as `Disconnecting.give_back`."""
        self.decisions = Decisions(clock)
        self._taking_over = TakingOver(google, changes, ledger)
        self._trials = Trials(changes, clock)
        self._google = google
        self._changes = changes
        self._creations = creations
        self._ledger = ledger
        self._clock = clock
        self._give_back = give_back

    async def join(
        self,
        practitioner_id: str,
        signed_in: SignedIn,
        choice: CalendarChoice,
        *,
        login: str = "",
        upload_by_hand: bool = False,
        enable: bool = True,
    ) -> Connected:
        """`login`: the Google Login from now on; empty for the one known. Raises CalendarInUse,
        CalendarGone, ScopeMissing … and then nothing has changed.

        With `upload_by_hand` an empty calendar waits for a person to press Upload to Google;
        otherwise the sync begins by itself. `enable`: switch the sync on."""
        try:
            async with self._trials.trying(practitioner_id, signed_in) as trial:
                link, holding = await self._link(trial, practitioner_id, signed_in, choice, login)
            await self._changes.check_client(signed_in)
        except TransientError as error:
            raise try_again(error) from error
        except AccountParked:
            raise  # the sign-in is as good as before
        except CalendarInUse as error:
            self.decisions.hold(practitioner_id, signed_in, choice, error, login=login)
            raise
        except CompanionError:
            await self._changes.discard(signed_in)
            raise
        await self._keep(
            practitioner_id,
            signed_in,
            link,
            holding,
            upload_by_hand=upload_by_hand,
            enable=enable and bool(link.calendar_id),
        )
        await self._trials.clear_up()
        return Connected(
            practitioner_id=practitioner_id,
            account=link.account,
            calendar_id=link.calendar_id,
            calendar_name=link.calendar_name,
            adopted=holding.events if holding else 0,
            ends_at=link.ends_at,
        )

    async def decide(
        self, practitioner_id: str, calendar_id: str, *, upload_by_hand: bool
    ) -> Connected:
        """As `Connecting.decide`."""
        held = self.decisions.waiting(practitioner_id)
        self.decisions.drop(practitioner_id)
        if held is None:
            raise SignInTimedOut
        choice = replace(held.choice, kind="new", look=False, take_over=False)
        if calendar_id:
            choice = CalendarChoice(kind="existing", calendar_id=calendar_id, take_over=True)
        return await self.join(
            practitioner_id,
            held.signed_in,
            choice.checked(),
            login=held.login,
            upload_by_hand=upload_by_hand,
        )

    async def choose(self, practitioner_id: str, choice: CalendarChoice) -> Connected:
        """Take an existing calendar of the account that is signed in; raises as `join`."""
        account = self._changes.record(practitioner_id).google.account
        wanted = account if choice.calendar_id == "primary" else choice.calendar_id
        self._changes.check_free(practitioner_id, wanted)
        link = self._changes.record(practitioner_id).google
        holding = await self._open(practitioner_id, practitioner_id, wanted, link.scopes)

        def take(link: GoogleLink) -> GoogleLink:
            made = link.created_by_us and link.calendar_id == wanted
            link = self._taking_over.joined(link, holding, take_over=choice.take_over)
            return replace(link, created_by_us=made, calendar_account=account)

        # Before the background sync can see the calendar.
        await self._ledger.edit_state(practitioner_id, lambda state: replace(state, audit_due=True))
        await self._changes.edit(practitioner_id, take, enabled=True)
        await self._ledger.edit_state(
            practitioner_id,
            lambda state: replace(
                state,
                audit_due=True,
                trouble=None,
                others=holding.others,
                overruled_by="",
                claimed=False,
            ),
        )
        await self._changes.log(
            practitioner_id, ActivityKind.CONNECT, "Another Google calendar was chosen."
        )
        return Connected(
            practitioner_id=practitioner_id,
            account=account,
            calendar_id=holding.info.id,
            calendar_name=holding.info.name,
            adopted=holding.events,
        )

    async def _open(
        self,
        name: str,
        practitioner_id: str,
        calendar_id: str,
        granted: Collection[str],
        client_id: str = "",
    ) -> Holding:
        """A calendar that may be written to, and what it holds. `name`: of the sign-in to use;
        `granted`: its permissions; `client_id`: whose they are. Raises CalendarNotReached,
        PermissionDenied, CalendarGone …"""
        try:
            calendar = await self._google.calendar(name, calendar_id)
            info = await calendar.info()
        except (ScopeMissing, PermissionDenied, CalendarGone) as error:
            wider = missing([EVENTS], granted) and error.what == type(error).default_what
            if not wider or self._made_with(practitioner_id, calendar_id, client_id):
                raise
            raise await self._not_reached(practitioner_id, calendar_id, granted, error) from error
        if info.access_role not in {"owner", "writer"}:
            raise PermissionDenied
        return await self._taking_over.look(name, practitioner_id, info)

    def _made_with(self, practitioner_id: str, calendar_id: str, client_id: str) -> bool:
        """Whether that very client made the calendar, so that it needs no wider permission."""
        link = self._changes.record(practitioner_id).google
        made = link.made_by if calendar_id == link.calendar_id else ""
        return bool(made) and made == client_id

    async def _not_reached(
        self,
        practitioner_id: str,
        calendar_id: str,
        granted: Collection[str],
        error: CompanionError,
    ) -> CalendarNotReached:
        """Which permission is asked for next time. Google may answer the same (404, 403) for a
        calendar that is not there and for one that the permission does not extend to."""
        narrow = bool(missing([EVENTS_OWNED], granted))
        shared = not narrow and isinstance(error, ScopeMissing)
        if narrow:
            what = "Google does not show that calendar to the practice's present Google client."
            remedy = (
                "Press Connect to Google again: Google then asks for the permission for calendars "
                "that the account owns. If it was deleted, let us create a new one."
            )
        elif shared:
            what = "This account does not own that calendar; it is shared with it."
            remedy = (
                "Press Connect to Google again: Google then asks for the wider permission that a "
                "shared calendar needs. Or let us create a new calendar."
            )
        else:
            what = "Google does not show a calendar with that ID to this account."
            remedy = (
                "Check the Calendar ID. If the calendar is shared with the account, say so: Google "
                "then asks for the wider permission that a shared calendar needs. By command: add "
                "--shared."
            )

        def remember(state: SyncState) -> SyncState:
            if narrow:
                return replace(state, owned_calendar=calendar_id)
            return replace(state, shared_calendar=calendar_id) if shared else state

        await self._ledger.edit_state(practitioner_id, remember)
        return CalendarNotReached(
            what,
            remedy,
            calendar_id=calendar_id,
            maybe_shared=not narrow,
            detail=error.detail,
        )

    async def _link(
        self,
        trial: str,
        practitioner_id: str,
        signed_in: SignedIn,
        choice: CalendarChoice,
        login: str,
    ) -> tuple[GoogleLink, Holding | None]:
        """The link as it will be, and what the calendar holds, where it is not a new one."""
        old = self._changes.record(practitioner_id).google
        link = replace(
            old,
            login=login or old.login,
            account=signed_in.account,
            calendar_account=signed_in.account,
            scopes=signed_in.granted_scopes,
            connected_at=self._clock.now(),
            ends_at=signed_in.ends_at,
            delegated=signed_in.delegated,
        )
        if choice.kind == "list":
            return replace(link, calendar_id="", calendar_name="", created_by_us=False), None
        granted = signed_in.granted_scopes
        if choice.kind == "new":
            choice = await self._instead(trial, practitioner_id, link, choice)
        if choice.kind == "new":
            info = await self._creations.make(
                trial,
                practitioner_id,
                account=signed_in.account,
                granted=granted,
                name=choice.name,
            )
            # Nothing is listed: no connection has used this calendar yet.
            kept = self._changes.record(practitioner_id).google.creations
            link = replace(
                link,
                calendar_id=info.id,
                calendar_name=info.name,
                created_by_us=True,
                made_by=signed_in.client_id,
                creations=kept,
                marks=(MARK,),
                term=1,
            )
            return used(link, info.id), None
        wanted = choice.calendar_id
        wanted = signed_in.account if wanted == "primary" else wanted
        self._changes.check_free(practitioner_id, wanted)
        holding = await self._open(trial, practitioner_id, wanted, granted, signed_in.client_id)
        link = self._taking_over.joined(link, holding, take_over=choice.take_over)
        kept_one = old.created_by_us and wanted == old.calendar_id
        reached_narrowly = bool(missing([EVENTS_OWNED], granted))
        link = replace(
            link,
            created_by_us=kept_one or reached_narrowly,
            made_by=signed_in.client_id if reached_narrowly else link.made_by if kept_one else "",
        )
        return used(link, wanted), holding

    async def _instead(
        self, trial: str, practitioner_id: str, link: GoogleLink, choice: CalendarChoice
    ) -> CalendarChoice:
        """A calendar that an earlier installation made in the account, where a person takes it
        over; raises CalendarInUse where they have to decide."""
        if not choice.look or missing([CALENDAR_LIST], link.scopes) or begun(link, link.account):
            return choice
        offers = await self._taking_over.earlier(trial, practitioner_id)
        if not offers:
            return choice
        if choice.take_over and len(offers) == 1:
            return replace(choice, kind="existing", calendar_id=offers[0].calendar_id)
        raise self._taking_over.in_use(offers)

    async def _keep(
        self,
        practitioner_id: str,
        signed_in: SignedIn,
        link: GoogleLink,
        holding: Holding | None,
        *,
        upload_by_hand: bool,
        enable: bool,
    ) -> None:
        before = self._changes.record(practitioner_id).google
        another = not same_account(before.account, link.account)
        if before.account and (another or bool(before.delegated) != bool(link.delegated)):
            # The sign-in of before is no longer used.
            await self._give_back(practitioner_id, before.account)
        await self._changes.keep_token(practitioner_id, signed_in)
        # An empty calendar without ledger rows: there is nothing to compare.
        ref = CalendarRef(practitioner_id=practitioner_id, calendar_id=link.calendar_id)
        audit_due = bool(holding and holding.events) or bool(await self._ledger.entries(ref))
        awaiting = upload_by_hand and not audit_due
        if awaiting or audit_due:  # before the background sync can see the calendar
            await self._ledger.edit_state(
                practitioner_id,
                lambda state: replace(
                    state,
                    awaiting_upload=awaiting or state.awaiting_upload,
                    audit_due=audit_due or state.audit_due,
                ),
            )
        await self._changes.edit(
            practitioner_id, lambda _old: link, enabled=True if enable else None
        )

        def begin(state: SyncState) -> SyncState:
            if another:
                state = replace(state, parked_until=None, parkings=0)
            if (link.calendar_id, link.term) != (before.calendar_id, before.term):
                others = holding.others if holding else {}
                state = replace(state, others=others, overruled_by="", claimed=False)
            return replace(state, audit_due=audit_due, awaiting_upload=awaiting, trouble=None)

        await self._ledger.edit_state(practitioner_id, begin)
        await self._changes.log(practitioner_id, ActivityKind.CONNECT, "Connected to Google.")
