"""Faults on demand: rules that make the simulated Google misbehave.

A rule looks at one label: `POST /calendar/v3/…` for a request, and `batch-part POST /calendar/v3/…`
for each request inside a batch (the batch itself is `POST /batch/calendar/v3`). The first rule
that matches and fires decides. In a batch part, a fault of the connection ends the whole batch:
what came before it has been committed, as after a real crash half-way.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from companion.sandbox.refusals import Json, SimulatedError
from companion.sandbox.wire import Reply

Kind = Literal["refuse", "timeout_before", "timeout_after", "status", "slow", "half_batch"]

_MESSAGES = {
    "rateLimitExceeded": "Rate Limit Exceeded",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "quotaExceeded": "Calendar usage limits exceeded.",
    "backendError": "Backend Error",
    "authError": "Invalid Credentials",
    "insufficientPermissions": "Request had insufficient authentication scopes.",
    "notFound": "Not Found",
}
_USUAL_REASONS = {
    401: "authError",
    403: "rateLimitExceeded",
    404: "notFound",
    429: "rateLimitExceeded",
    500: "backendError",
    503: "backendError",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    kind: Kind
    match: str = ""
    """Regular expression, searched in the label; empty matches everything."""
    account: str | None = None
    """Only requests that this e-mail's token makes."""
    nth: int | None = None
    """Only this match of the rule, counted from 1."""
    probability: float = 1.0
    seed: int = 0
    times: int | None = None
    """Fires at most so often."""
    status: int = 503
    reason: str | None = None
    retry_after: int | None = None
    """Seconds for the Retry-After header of a `status` fault."""
    ms: float = 0.0
    """How long a `slow` answer is held back, or a time-out before the connection closes."""
    matched: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False)
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind of fault: {self.kind}")
        self._pattern = re.compile(self.match)
        self._chance = random.Random(self.seed)  # noqa: S311 - faults must replay

    def fires(self, label: str, account: str | None) -> bool:
        """Whether the rule strikes now; counts the match either way."""
        if self.account is not None and self.account != account:
            return False
        if self._pattern.search(label) is None:
            return False
        self.matched += 1
        if self.nth is not None and self.matched != self.nth:
            return False
        if self.times is not None and self.fired >= self.times:
            return False
        if self.probability < 1.0 and self._chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def carry_out(self, serve: Callable[[], Reply], refuse: Callable[[], Reply]) -> Reply:
        """The reply under this fault; `half_batch` is for whoever has batches, else nothing is
        served."""
        if self.kind == "status":
            reply = refuse()
            if self.retry_after is not None:
                reply.headers.append(("Retry-After", str(self.retry_after)))
            return reply
        if self.kind in {"slow", "timeout_after"}:
            reply = serve()
            reply.severed = reply.severed or self.kind == "timeout_after"
        else:
            reply = Reply(severed=True)
        reply.delay += self.ms / 1000
        return reply

    def refusal(self) -> SimulatedError:
        reason = self.reason or _USUAL_REASONS.get(self.status, "backendError")
        limits = reason.endswith("Exceeded")
        return SimulatedError(
            self.status,
            reason,
            _MESSAGES.get(reason, "Bad Request" if self.status == 400 else "Backend Error"),
            domain="usageLimits" if limits else "global",
        )

    def report(self) -> Json:
        shown = (item.name for item in fields(self) if not item.name.startswith("_"))
        return {name: getattr(self, name) for name in shown}


@dataclass(slots=True)
class Faults:
    rules: list[Fault] = field(default_factory=list)

    def add(self, **settings: Any) -> Fault:
        """A new rule; the settings are `Fault`'s fields. Raises ValueError or TypeError."""
        fault = Fault(**settings)
        self.rules.append(fault)
        return fault

    def strike(self, label: str, account: str | None = None) -> Fault | None:
        if not self.rules:
            return None
        return next((rule for rule in self.rules if rule.fires(label, account)), None)

    def replace(self, rules: Iterable[Json]) -> None:
        self.rules = [Fault(**rule) for rule in rules]

    def clear(self) -> None:
        self.rules.clear()
