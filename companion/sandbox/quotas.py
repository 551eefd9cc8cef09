"""Google's limits: sliding windows of request units, and the account-level usage limits.

A window holds the requests of the last 60 seconds with their weights (`events.patch` costs 3
units, everything else 1); one that would lift the sum above the limit is refused and not
counted. There is a window per user (the signed-in account, a service account that speaks for
many, or whom `quotaUser` names), one for the whole project, and optionally one per
calendar for the throttling of rapid writes whose figure Google keeps to itself. Each window also
remembers the highest sum ever *asked for*, so that a test can show that a client never came
above the limit, even with the quota switched off.

Usage limits are another matter: they lock an account's writes for hours (`quotaExceeded`).
"""

from collections import Counter, deque
from dataclasses import dataclass, field

from companion.sandbox import refusals

WINDOW_SECONDS = 60.0
PER_USER, PER_PROJECT = 600, 10_000
WEIGHTS = {"events.patch": 3}


@dataclass(slots=True, kw_only=True)
class Quota:
    """Sizes; None switches a limit off."""

    per_user: int | None = PER_USER
    per_project: int | None = PER_PROJECT
    per_calendar_writes: int | None = None
    events_created: int | None = None
    """Events one account may create before its writes are locked; Google: about 100,000."""
    calendars_created: int | None = None
    """Calendars one account may create before the lock; Google: about 60."""
    lock_seconds: float = 4 * 3600.0


@dataclass(slots=True)
class SlidingSum:
    """Units of the last 60 seconds."""

    entries: deque[tuple[float, int]] = field(default_factory=deque)
    units: int = 0

    def at(self, now: float) -> int:
        while self.entries and self.entries[0][0] <= now - WINDOW_SECONDS:
            self.units -= self.entries.popleft()[1]
        return self.units

    def add(self, now: float, weight: int) -> None:
        self.entries.append((now, weight))
        self.units += weight


@dataclass(slots=True)
class Window:
    granted: SlidingSum = field(default_factory=SlidingSum)
    asked: SlidingSum = field(default_factory=SlidingSum)
    peak: int = 0
    """Most units asked for within any 60 seconds, refused ones included."""

    def ask(self, now: float, weight: int) -> None:
        self.asked.add(now, weight)
        self.peak = max(self.peak, self.asked.at(now))

    def has_room(self, now: float, weight: int, limit: int | None) -> bool:
        units = self.granted.at(now)
        return limit is None or units + weight <= limit


@dataclass(slots=True)
class Meter:
    """All windows and locks of one simulated project."""

    quota: Quota = field(default_factory=Quota)
    project: Window = field(default_factory=Window)
    users: dict[str, Window] = field(default_factory=dict)
    calendars: dict[str, Window] = field(default_factory=dict)
    created: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(account, "events" or "calendars") to how many it has created."""
    locked_until: dict[str, float] = field(default_factory=dict)

    def charge(
        self, account: str, method: str, now: float, *, calendar: str | None, user: str = ""
    ) -> None:
        """Counts one request, or refuses it; *calendar* is given for writes to events, *user*
        where another than the account is charged."""
        weight = WEIGHTS.get(method, 1)
        window = self.users.setdefault(user or account, Window())
        window.ask(now, weight)
        self.project.ask(now, weight)
        if not window.has_room(now, weight, self.quota.per_user):
            raise refusals.user_rate_limit()
        if not self.project.has_room(now, weight, self.quota.per_project):
            raise refusals.project_rate_limit()
        if calendar is not None:
            self._check_lock(account, now)
            writes = self.calendars.setdefault(calendar, Window())
            writes.ask(now, weight)
            if not writes.has_room(now, weight, self.quota.per_calendar_writes):
                raise refusals.project_rate_limit()
            writes.granted.add(now, weight)
        window.granted.add(now, weight)
        self.project.granted.add(now, weight)

    def check_creation(self, account: str, kind: str, now: float) -> None:
        """Refuses, and locks the account, when it has created as many as it may."""
        self._check_lock(account, now)
        limit = self.quota.events_created if kind == "events" else self.quota.calendars_created
        if limit is not None and self.created[account, kind] >= limit:
            self.lock(account, now + self.quota.lock_seconds)
            self.created[account, kind] = 0
            raise refusals.usage_limits()

    def note_creation(self, account: str, kind: str) -> None:
        self.created[account, kind] += 1

    def lock(self, account: str, until: float) -> None:
        self.locked_until[account] = until

    def unlock(self, account: str) -> None:
        self.locked_until.pop(account, None)

    def forget_windows(self) -> None:
        self.project = Window()
        self.users.clear()
        self.calendars.clear()

    def _check_lock(self, account: str, now: float) -> None:
        if now < self.locked_until.get(account, 0.0):
            raise refusals.usage_limits()
