"""Connecting: a practitioner's Google account and calendar, from sign-in to choosing and checking.

`begin` gives the address for the browser, `finish` takes the address Google sends it back to; where
the practice has a service account, `delegate` needs no browser.
The account is compared with the Google Login and the granted scopes with those asked for; `joining`
does the rest.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from companion.domain.errors import (
    ClientFileMissing,
    CompanionError,
    ScopeMissing,
    SignInError,
    TransientError,
    WrongAccount,
)
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.google import consents
from companion.services.google.account_changes import AccountChanges
from companion.services.google.calendar_creation import CalendarCreations, must_look
from companion.services.google.checks import CalendarChecks, CheckResult
from companion.services.google.client import ClientChange, PracticeClient, ServiceAccount
from companion.services.google.consents import CalendarChoice, same_account
from companion.services.google.delegating import Delegating
from companion.services.google.disconnecting import Disconnecting
from companion.services.google.joining import Connected, Joining
from companion.services.google.pending import (
    Pending,
    PendingSignIns,
    SignInStart,
    Undecided,
    try_again,
)
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
)
from companion.services.settings import checks
from companion.services.sync.syncing import Syncing

PATIENCE = 30.0
"""Seconds, for somebody else who connects the same practitioner."""


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
        self._checks = CalendarChecks(
            google, settings, self._changes, ledger, clock, random_word, syncing.doubt
        )
        creations = CalendarCreations(google, self._changes, clock, random_word)
        self._disconnecting = Disconnecting(self._changes, ledger, syncing)
        self._joining = Joining(
            google, self._changes, creations, ledger, clock, self._disconnecting.give_back
        )
        self._delegating = Delegating(google, self._changes, self._joining)
        self._syncing = syncing

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

    @allows(Action.PRACTICE)
    async def service_account(self) -> ServiceAccount | None:
        """Which speaks for the people of a Google Workspace, where the practice has added its
        key."""
        return await self._client.service_account()

    @allows(Action.PRACTICE)
    async def remove_key(self) -> None:
        """Of the service account. Raises BadInput while it speaks for somebody."""
        email = await self._client.remove_key()
        text = f"The key of the service account {email} was removed."
        await self._changes.log("", ActivityKind.CONNECT, text)

    @allows(Action.GOOGLE, somewhere=True)
    async def delegates(self) -> bool:
        """Whether the practice has a service account, which connects without anybody signing in."""
        return await self._client.service_account() is not None

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
        take_over: bool = False,
        redirect_uri: str,
        user: str = "",
    ) -> SignInStart:
        """`login`: the Google Login as typed, which stays; empty for the one known. `calendar`:
        None keeps the present calendar, or makes one the first time and for another login; with
        `take_over` also where another installation keeps it, or instead one that an earlier
        installation made."""
        self.decline(practitioner_id)
        link = self._changes.record(practitioner_id).google
        typed = checks.email(login, "login")
        wanted = typed or link.login or link.account
        choice = calendar or consents.default_choice(link, login=wanted, take_over=take_over)
        choice = choice.checked()
        if choice.kind == "existing":
            self._changes.check_free(practitioner_id, choice.calendar_id)
        state = await self._ledger.state(practitioner_id)
        if await self._client.name() is None and await self.delegates():
            raise ClientFileMissing(
                "This practice connects everybody by its service account; nobody signs in.",
                "An administrator presses Connect everybody under Practice > Google Workspace.",
            )
        request = await self._google.begin_sign_in(
            redirect_uri=redirect_uri,
            scopes=consents.scopes_for(
                choice,
                link,
                client_id=await self._client.client_id(),
                state=state,
                look=must_look(link, wanted),
            ),
            login=wanted,
        )
        if typed:
            await self._changes.edit(practitioner_id, lambda link: replace(link, login=typed))
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
        then nothing has changed; Busy, and then it may be called again; CalendarInUse where the
        sign-in waits for `decide`."""
        state = parse_qs(urlsplit(response_url).query).get("state", [""])[0]
        practitioner_id = self._pending.find(state, user).start.practitioner_id
        async with self._turn(practitioner_id):
            pending = self._pending.take(state, user)
            try:
                signed_in = await self._google.finish_sign_in(pending.request, response_url)
            except TransientError as error:
                raise try_again(error) from error
            try:
                self._check(pending, signed_in)
            except CompanionError:
                await self._changes.discard(signed_in)
                raise
            return await self._joining.join(
                practitioner_id, signed_in, pending.choice, upload_by_hand=upload_by_hand
            )

    @allows(Action.GOOGLE, of="practitioner_id")
    async def confirm_account(self, practitioner_id: str) -> None:
        """A person says that the account that signed in is the practitioner's: from now on it is
        the Google Login."""
        await self._changes.edit(practitioner_id, lambda link: replace(link, login=link.account))

    @allows(Action.GOOGLE, of="practitioner_id")
    def sharing(self, practitioner_id: str) -> tuple[str, ...]:
        """Names of other practitioners whom the same account serves."""
        return self._changes.sharing(practitioner_id)

    # ── deciding about calendars of another installation ──────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    def undecided(self, practitioner_id: str) -> Undecided | None:
        """The decision that a sign-in waits for, since `finish` or `delegate` raised
        CalendarInUse."""
        return self._joining.decisions.waiting(practitioner_id)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def decide(
        self, practitioner_id: str, calendar_id: str = "", *, upload_by_hand: bool = False
    ) -> Connected:
        """Connect with a calendar that was offered, taking it over, or without one with a new
        calendar. Raises SignInTimedOut where nothing waits any more, and as `finish`."""
        async with self._turn(practitioner_id):
            return await self._joining.decide(
                practitioner_id, calendar_id, upload_by_hand=upload_by_hand
            )

    @allows(Action.GOOGLE, of="practitioner_id")
    def decline(self, practitioner_id: str) -> None:
        """Neither."""
        self._joining.decisions.drop(practitioner_id)

    def _turn(self, practitioner_id: str) -> AbstractAsyncContextManager[object]:
        """Connecting is one at a time among all windows and workstations: of two, the second finds
        what the first has kept. Raises Busy, and then nothing has been asked of Google."""
        return self._syncing.lock(f"connect-{practitioner_id}", patience=PATIENCE)

    def _check(self, pending: Pending, signed_in: SignedIn) -> None:
        if not signed_in.account:
            raise SignInError("Google did not say which account signed in.")
        login = self._changes.record(pending.start.practitioner_id).google.login
        for wanted in filter(None, (pending.login, login)):
            if not same_account(wanted, signed_in.account):
                raise WrongAccount(
                    f"{signed_in.account} signed in, but the Google Login is {wanted}."
                )
        needed = set(pending.request.scopes)
        if pending.choice.kind == "new":  # the list is for looking, which is not always needed
            needed.discard(consents.CALENDAR_LIST)
        if consents.missing(needed, signed_in.granted_scopes):
            raise ScopeMissing

    @allows(Action.PRACTICE)
    async def delegate(
        self,
        practitioner_id: str,
        *,
        login: str = "",
        calendar: CalendarChoice | None = None,
        take_over: bool = False,
        upload_by_hand: bool = False,
        enable: bool = True,
    ) -> Connected:
        """Connect without anybody at a browser, by the practice's service account; login and
        calendar as for `begin`.

        Only for administrators: whoever chooses the login chooses whose account is entered.
        Raises BadInput without a login, DelegationRefused, ClientFileMissing without a key …"""
        self._pending.cancel_all(practitioner_id)
        async with self._turn(practitioner_id):
            return await self._delegating.connect(
                practitioner_id,
                login=login,
                calendar=calendar,
                take_over=take_over,
                upload_by_hand=upload_by_hand,
                enable=enable,
            )

    # ── choosing from a list ──────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]:
        """Those the account may write to; needs a sign-in with the choice ``list``."""
        return await self._google.calendars(practitioner_id)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def choose(
        self, practitioner_id: str, calendar_id: str, *, take_over: bool = False
    ) -> Connected:
        """Take another calendar of the account that is signed in. Raises CalendarInUse."""
        wanted = CalendarChoice(kind="existing", calendar_id=calendar_id, take_over=take_over)
        return await self._joining.choose(practitioner_id, wanted.checked())

    # ── checks ────────────────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def test(self, practitioner_id: str, *, fresh: bool = True) -> CheckResult:
        """*Test Credentials*. `fresh`: a service account asks for a new token."""
        return await self._checks.test(practitioner_id, fresh=fresh)

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
