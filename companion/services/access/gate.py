"""The gate: a service as pages get it, each public method of which checks its rule first.

`gated(feeds, who)` is an instance of a subclass of the service's own class, made once per class.
So it has the service's own static type: mypy sees a method that was renamed, and there is no table
of names to keep. A public method of it looks at who is signed in *now*, checks the rule that stands
above the original (`rules.allows`), and only then calls the original on the service itself. What
has no rule raises NotAllowed; state and private parts of the service are not there at all.

Calls inside the service are not checked again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from types import FunctionType
from typing import Any, NoReturn, TypeVar

from companion.domain.errors import NotAllowed
from companion.domain.users import User
from companion.services.access.rules import Rule, rule_of
from companion.services.acting import acting_as

T = TypeVar("T")
Who = Callable[[], User]
"""The user signed in at the screen now. Raises SignedOut when there is none."""
_GATED: dict[type, type] = {}
"""Of each service's class, the one made of it."""


def gated(service: T, who: Who) -> T:
    made = object.__new__(_gated_class(type(service)))
    made.__dict__.update(_service=service, _who=who)
    return made


def _gated_class(kind: type[T]) -> type[T]:
    made: type[T] | None = _GATED.get(kind)
    if made is None:
        members = {
            name: _asking(kind, name, member)
            for name, member in inspect.getmembers_static(kind)
            if not name.startswith("_")
        }
        made = _GATED[kind] = type(f"Gated{kind.__name__}", (kind,), members)
    return made


def _asking(kind: type, name: str, member: object) -> object:
    if isinstance(member, FunctionType) and (rule := rule_of(member)) is not None:
        return _asking_method(member, rule)
    if isinstance(member, property) and (rule := rule_of(member.fget)) is not None:
        return property(_asking_method(member.fget, rule))

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise NotAllowed(detail=f"{kind.__name__}.{name} is not for pages")

    return refuse if inspect.isroutine(member) else property(refuse)


def _named_while(method: Any) -> Callable[..., Any]:
    """`method`, carried out in the name of the user who is given first."""
    if inspect.iscoroutinefunction(method):

        async def awaited(user: User, /, *args: Any, **kwargs: Any) -> Any:
            with acting_as(user.name):
                return await method(*args, **kwargs)

        return awaited

    def called(user: User, /, *args: Any, **kwargs: Any) -> Any:
        with acting_as(user.name):
            return method(*args, **kwargs)

    return called


def _asking_method(method: Any, rule: Rule) -> Callable[..., Any]:
    """`method` is a function, whatever its signature."""
    of, owner, place = rule.of, rule.owner, rule.place
    call = _named_while(method)

    def named(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """What `of` is in this call; None when it is left out."""
        if of in kwargs or place is None or place >= len(args):
            return kwargs.get(of)
        return args[place]

    if not of:

        @wraps(method)
        def asks(self: Any, *args: Any, **kwargs: Any) -> Any:
            user = self._who()
            rule.check(user)
            return call(user, self._service, *args, **kwargs | rule.left_out(user))

        return asks

    if owner is None:

        @wraps(method)
        def asks_whose(self: Any, *args: Any, **kwargs: Any) -> Any:
            value, user = named(args, kwargs) or (), self._who()
            rule.check(user, (value,) if isinstance(value, str) else value)
            return call(user, self._service, *args, **kwargs)

        return asks_whose

    @wraps(method)
    async def looks_up_whose(self: Any, *args: Any, **kwargs: Any) -> Any:
        whose = await owner(self._service, named(args, kwargs))
        user = self._who()
        rule.check(user, () if whose is None else (whose,))
        return await call(user, self._service, *args, **kwargs)

    return looks_up_whose
