"""PendingSignIns: authorisations under way, in memory alone.

Each belongs to one practitioner and to the user who began it, can be used once, and ends after five
minutes. A user who finds another user's `state` can neither use nor end it. Beginning again for a
practitioner ends the one before. A restart of the program drops them all: a browser page that is
still open then gets a sentence to begin again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from companion.domain.calendar_writers import EarlierCalendar
from companion.domain.errors import CalendarInUse, SignInError, SignInTimedOut, TransientError
from companion.services.google.consents import CalendarChoice
from companion.services.ports import Clock, SignedIn, SignInRequest

LIFE = timedelta(minutes=5)
PATIENCE = timedelta(minutes=10)
"""For a decision after signing in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInStart:
    practitioner_id: str
    url: str
    """Where the browser goes."""
    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    start: SignInStart
    request: SignInRequest
    user: str
    login: str
    choice: CalendarChoice
    ends: float
    """On the monotonic clock."""


class PendingSignIns:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_state: dict[str, Pending] = {}

    def add(
        self,
        practitioner_id: str,
        request: SignInRequest,
        *,
        user: str,
        login: str,
        choice: CalendarChoice,
    ) -> SignInStart:
        self.cancel_all(practitioner_id)
        start = SignInStart(
            practitioner_id=practitioner_id,
            url=request.url,
            state=request.state,
            expires_at=self._clock.now() + LIFE,
        )
        self._by_state[request.state] = Pending(
            start=start,
            request=request,
            user=user,
            login=login,
            choice=choice,
            ends=self._clock.monotonic() + LIFE.total_seconds(),
        )
        return start

    def find(self, state: str, user: str) -> Pending:
        """Raises SignInTimedOut, or SignInError for one that is unknown, used or another's."""
        pending = self._by_state.get(state)
        if pending is None or pending.user != user:
            raise SignInError(
                "This sign-in was already used, cancelled, or begun somewhere else.",
                "Press Connect to Google again and use the page that opens then.",
            )
        if self._clock.monotonic() >= pending.ends:
            del self._by_state[state]
            raise SignInTimedOut
        return pending

    def take(self, state: str, user: str) -> Pending:
        """The same, and nobody can use it any more."""
        pending = self.find(state, user)
        del self._by_state[state]
        return pending

    def waiting(self, practitioner_id: str) -> SignInStart | None:
        now = self._clock.monotonic()
        for pending in self._by_state.values():
            if pending.start.practitioner_id == practitioner_id and now < pending.ends:
                return pending.start
        return None

    def cancel(self, state: str) -> None:
        self._by_state.pop(state, None)

    def cancel_all(self, practitioner_id: str) -> None:
        """Of one practitioner; and forget those of anybody that have ended."""
        now = self._clock.monotonic()
        self._by_state = {
            state: each
            for state, each in self._by_state.items()
            if each.start.practitioner_id != practitioner_id and now < each.ends
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A sign-in that is good, while a person decides about calendars of another installation."""

    practitioner_id: str
    signed_in: SignedIn
    login: str
    choice: CalendarChoice
    offers: tuple[EarlierCalendar, ...]
    what: str
    ends: float
    """On the monotonic clock."""


class Decisions:
    """Those that wait, one for each practitioner; in memory alone, for ten minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, Undecided] = {}

    def hold(
        self,
        practitioner_id: str,
        signed_in: SignedIn,
        choice: CalendarChoice,
        error: CalendarInUse,
        *,
        login: str,
    ) -> None:
        self._waiting[practitioner_id] = Undecided(
            practitioner_id=practitioner_id,
            signed_in=signed_in,
            login=login,
            choice=choice,
            offers=error.offers,
            what=error.what,
            ends=self._clock.monotonic() + PATIENCE.total_seconds(),
        )

    def waiting(self, practitioner_id: str) -> Undecided | None:
        found = self._waiting.get(practitioner_id)
        return found if found is not None and self._clock.monotonic() < found.ends else None

    def drop(self, practitioner_id: str) -> None:
        """The sign-in is not given back to Google, which would end the other installation's too."""
        self._waiting.pop(practitioner_id, None)


def try_again(error: TransientError) -> TransientError:
    """The same trouble while connecting, which nothing tries again by itself."""
    remedy = error.remedy
    if remedy in {TransientError.default_remedy, type(error).default_remedy}:
        remedy = "Nothing was changed. Press Connect to Google again in a moment."
    elif "Connect to Google" not in remedy:
        remedy = f"{remedy} Then press Connect to Google again."
    return type(error)(error.what, remedy, retry_after=error.retry_after, detail=error.detail)
