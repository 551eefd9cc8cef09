"""Rules: who may call a service method, written beside the method.

    class Feeds:
        @allows(Action.PHONE, of="practitioner_id")
        async def links(self, practitioner_id: str | None = None) -> list[FeedLink]: ...

The mark changes nothing for whoever holds the service itself: the program's own work (worker,
schedules, commands) is not checked. It is read by `gated`, through which pages get their services.
A method without a mark is refused to every page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from inspect import iscoroutinefunction
from types import FunctionType, MappingProxyType
from typing import Any, TypeVar

from companion.domain.users import User
from companion.services.access.policy import Action, may, may_somewhere, refusal

F = TypeVar("F", bound=Callable[..., Any])
Owner = Callable[[Any, str], Awaitable[str | None]]
"""Of a service and the id of something it keeps: the practitioner it belongs to."""
_MARK = "__rule__"


@dataclass(frozen=True, slots=True)
class Rule:
    action: Action | None = None
    """None: anybody who is signed in."""
    _: KW_ONLY
    of: str = ""
    """The argument that names the owner. A user whose rights reach as far as their own practitioner
    passes where it is theirs; all of it, when it is a list."""
    owner: Owner | None = None
    """Looks up whose it is, where the argument is not a practitioner's id."""
    somewhere: bool = False
    """It is enough that the user may do it for any practitioner: for counts and settings, not for
    appointments."""
    only_own: bool = False
    """For the owner only, not even an administrator."""
    further: Mapping[str, Action] = field(default_factory=lambda: MappingProxyType({}))
    """Arguments that are False for whoever lacks another right too: a part of the work is left out
    for them."""
    place: int | None = None
    """Where `of` stands among the positional arguments; None if it is given by name only."""

    def check(self, user: User, owners: Sequence[str] = ()) -> None:
        """`owners`: the practitioners it concerns; none where it concerns everybody.

        Raises NotAllowed."""
        action = self.action
        if action is None:
            return
        if self.only_own:
            allowed = bool(owners) and all(each == user.practitioner_id for each in owners)
        elif self.somewhere:
            allowed = may_somewhere(user, action)
        elif owners:
            allowed = all(may(user, action, each) for each in owners)
        else:
            allowed = may(user, action)
        if not allowed:
            raise refusal(user, action)

    def left_out(self, user: User) -> dict[str, bool]:
        """Of `further`, as arguments."""
        return {name: False for name, action in self.further.items() if not may(user, action)}

    def offered(self, user: User) -> bool:
        """Whether the user may pass it for any practitioner; decides what the navigation offers."""
        if self.action is None:
            return True
        if self.somewhere or self.of:
            return may_somewhere(user, self.action)
        return may(user, self.action)


SIGNED_IN = Rule()


def allows(
    action: Action,
    *,
    of: str = "",
    owner: Owner | None = None,
    somewhere: bool = False,
    only_own: bool = False,
    further: Mapping[str, Action] | None = None,
) -> Callable[[F], F]:
    """Marks a method as `action`; the rest as in `Rule`. Raises TypeError for a rule that does
    not fit the method, when its module is imported."""
    return _mark(
        Rule(
            action,
            of=of,
            owner=owner,
            somewhere=somewhere,
            only_own=only_own,
            further=further or {},
        )
    )


def allows_signed_in(method: F) -> F:
    """Allows a method to every signed-in user."""
    return _mark(SIGNED_IN)(method)


def rule_of(method: object) -> Rule | None:
    """None where there is no mark."""
    found = getattr(method, _MARK, None)
    return found if isinstance(found, Rule) else None


def _mark(rule: Rule) -> Callable[[F], F]:
    def mark(method: F) -> F:
        if not isinstance(method, FunctionType):
            raise TypeError("a rule stands directly above its method")
        code = method.__code__
        arguments = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        place = None
        if rule.of:
            if rule.of not in arguments:
                raise TypeError(f"{method.__qualname__} has no argument {rule.of!r}")
            index = arguments.index(rule.of)
            place = index if index < code.co_argcount - 1 else None
        if not {*rule.further} <= {*arguments} or (rule.of and rule.further):
            raise TypeError(f"{method.__qualname__} cannot leave out {', '.join(rule.further)}")
        if rule.owner is not None and not iscoroutinefunction(method):
            raise TypeError(f"{method.__qualname__} cannot wait for whose it is")
        setattr(method, _MARK, replace(rule, place=place))
        return method

    return mark
