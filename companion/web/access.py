"""Access: which page, route and service method is which action, and the gate that asks.

Pages reach the services only through `Gate`, which looks at the signed-in user anew at every call:
a page that was opened before a role changed, or before a session ended, can do no more than one
opened now. What stands in no table is for administrators alone, and tests hold the tables complete.
Background work (the worker, uploads under way) has the services themselves.

A rule names the action and the argument that says whose it is. Somebody whose rights reach as far
as their own calendar passes where that argument is theirs; a rule of `ANYBODY` asks only that
somebody is signed in, `SOMEWHERE` that the action is theirs for anybody at all (what such a method
gives is counts and settings, no appointments).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from companion.domain.errors import NotAllowed
from companion.domain.event_keys import appointment_id_of
from companion.domain.users import User
from companion.services.accounts.policy import Action, may, may_somewhere, refusal
from companion.services.assembly import Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    action: Action | None = None
    """None: anybody who is signed in."""
    whose: str = ""
    """The argument that says whose it is: a key of `_OWNERS`, or empty."""
    somewhere: bool = False
    only_own: bool = False
    """Nobody's but the owner's, not even an administrator's."""


ANYBODY = Rule()
_OWN = "practitioner_id"


def _on(action: Action, whose: str = "") -> Rule:
    return Rule(action=action, whose=whose)


def _somewhere(action: Action) -> Rule:
    return Rule(action=action, somewhere=True)


ADMINISTRATORS = _on(Action.PRACTICE)
OPEN: Rule | None = None
"""For routes: before anybody is signed in."""

PAGES: Mapping[str, Rule] = {
    "/": _somewhere(Action.SEE_STATUS),
    "/book": _somewhere(Action.SEE_BOOK),
    "/book/print": _somewhere(Action.SEE_BOOK),
    "/import": _on(Action.IMPORT),
    "/sources": _on(Action.IMPORT),
    "/practitioner/{practitioner_id}": _on(Action.GOOGLE, _OWN),
    "/phone": _somewhere(Action.PHONE),
    "/phone/{practitioner_id}": _on(Action.PHONE, _OWN),
    "/practice": _on(Action.PRACTICE),
    "/practice/google": _on(Action.PRACTICE),
    "/progress": _on(Action.GOOGLE),
    "/users": _on(Action.USERS),
    "/doctor": _on(Action.PRACTICE),
    "/backup": _on(Action.PRACTICE),
}

ROUTES: Mapping[str, Rule | None] = {
    "/healthz": OPEN,
    "/oauth/start/{practitioner_id}": _on(Action.GOOGLE, _OWN),
    "/oauth/callback": OPEN,  # bound to the browser and the user who began
    "/files/incoming": _somewhere(Action.IMPORT),
    "/sign-in": OPEN,
    "/sign-out": OPEN,
    "/welcome": OPEN,  # while there is no user; afterwards it leads away
    "/welcome/administrator": OPEN,  # likewise
    "/welcome/demo": OPEN,
    "/welcome/appointments": _on(Action.USERS),
    "/account": _on(Action.OWN_ACCOUNT),
    "/account/everywhere": _on(Action.OWN_ACCOUNT),
}

METHODS: Mapping[str, Rule] = {
    "clock.now": ANYBODY,
    "clock.monotonic": ANYBODY,
    "clock.sleep": ANYBODY,
    "settings.read": ANYBODY,
    "live.version": ANYBODY,
    "live.board": _somewhere(Action.SEE_STATUS),
    "live.latest": _somewhere(Action.SEE_STATUS),
    "live.see": _on(Action.SEE_STATUS, _OWN),
    "live.status_of": _on(Action.SEE_STATUS, _OWN),
    "live.progress": _somewhere(Action.SEE_STATUS),
    "live.outcome": _on(Action.SEE_STATUS, _OWN),
    "live.uploading": _on(Action.SEE_STATUS, _OWN),
    "live.under_way": _somewhere(Action.SEE_STATUS),
    "live.upload": _on(Action.UPLOAD, _OWN),
    "live.cancel": _on(Action.UPLOAD, _OWN),
    "status.board": _on(Action.SEE_STATUS),
    "status.one": _on(Action.SEE_STATUS, _OWN),
    "activity.recent": _on(Action.SEE_STATUS, _OWN),
    "syncing.running": _on(Action.SEE_STATUS, _OWN),
    "syncing.state": _on(Action.SEE_STATUS, _OWN),
    "syncing.states": _on(Action.SEE_STATUS),
    "syncing.subscribe": _somewhere(Action.SEE_STATUS),
    "changes.subscribe": _somewhere(Action.SEE_STATUS),
    "syncing.was_stopped": _on(Action.UPLOAD, _OWN),
    "syncing.plan": _on(Action.UPLOAD, _OWN),
    "syncing.run": _on(Action.UPLOAD, _OWN),
    "syncing.cancel": _on(Action.UPLOAD, _OWN),
    "syncing.keep_held": _on(Action.UPLOAD, _OWN),
    "auditing.audit": _on(Action.UPLOAD, _OWN),
    "auditing.put_back": _on(Action.UPLOAD, _OWN),
    "connecting.client_name": _somewhere(Action.GOOGLE),
    "connecting.set_client": _on(Action.PRACTICE),
    "connecting.begin": _on(Action.GOOGLE, _OWN),
    "connecting.waiting": _on(Action.GOOGLE, _OWN),
    "connecting.cancel": _somewhere(Action.GOOGLE),  # by its `state`, which only its own page has
    "connecting.calendars": _on(Action.GOOGLE, _OWN),
    "connecting.choose": _on(Action.GOOGLE, _OWN),
    "connecting.test": _on(Action.GOOGLE, _OWN),
    "connecting.check": _on(Action.GOOGLE, _OWN),
    "connecting.disconnect": _on(Action.GOOGLE, _OWN),
    "setup.steps": _on(Action.GOOGLE, _OWN),
    "setup.everybody": _on(Action.GOOGLE),
    "setup.tested": _on(Action.GOOGLE, _OWN),
    "setup.accessible": _on(Action.GOOGLE, _OWN),
    "setup.applied": _on(Action.GOOGLE, _OWN),
    "setup.uploaded": _on(Action.GOOGLE, _OWN),
    "setup.copy": _on(Action.GOOGLE),
    "practitioners.values": _on(Action.GOOGLE, _OWN),
    "practitioners.set_values": _on(Action.GOOGLE, _OWN),
    "practitioners.add": _on(Action.PRACTITIONERS),
    "practitioners.edit": _on(Action.PRACTITIONERS),
    "practitioners.merge": _on(Action.PRACTITIONERS),
    "practitioners.remove": _on(Action.PRACTITIONERS),
    "practitioners.practice_values": _on(Action.PRACTICE),
    "practitioners.set_practice": _on(Action.PRACTICE),
    "book.appointment": _on(Action.SEE_BOOK, "appointment_id"),
    "book.appointments": _on(Action.SEE_BOOK, _OWN),
    "book.of_practitioners": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book.series": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book.day_counts": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book.search": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book.versions": _on(Action.SEE_BOOK, _OWN),
    "book.revisions": _somewhere(Action.SEE_BOOK),
    "book.count": _on(Action.SEE_BOOK, _OWN),
    "book.imports": _on(Action.IMPORT),
    "book_view.today": _somewhere(Action.SEE_BOOK),
    "book_view.counts": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book_view.entries": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book_view.search": _on(Action.SEE_BOOK, "practitioner_ids"),
    "book_view.shows": _on(Action.SEE_BOOK, "key"),
    "booking.open": _on(Action.SEE_BOOK, "key"),
    "booking.conflicts": _on(Action.EDIT_BOOK),
    "booking.create": _on(Action.EDIT_BOOK),
    "booking.edit": _on(Action.EDIT_BOOK),
    "booking.move": _on(Action.EDIT_BOOK),
    "booking.copy": _on(Action.EDIT_BOOK),
    "booking.cancel": _on(Action.EDIT_BOOK),
    "booking.restore": _on(Action.EDIT_BOOK),
    "booking.undo": _on(Action.EDIT_BOOK),
    "availability.of": _on(Action.SEE_BOOK, _OWN),
    "availability.keep": _on(Action.EDIT_BOOK),
    "importing.preview": _on(Action.IMPORT),
    "importing.reconsider": _on(Action.IMPORT),
    "importing.apply": _on(Action.IMPORT),
    "sources.overview": _on(Action.IMPORT),
    "sources.source": _on(Action.IMPORT),
    "sources.owner": _on(Action.IMPORT),
    "sources.resolved": _on(Action.IMPORT),
    "sources.look_at": _on(Action.IMPORT),
    "sources.release": _on(Action.IMPORT),
    "sources.discard": _on(Action.IMPORT),
    "sources.add": _on(Action.PRACTICE),
    "sources.stop": _on(Action.PRACTICE),
    "sources.remove": _on(Action.PRACTICE),
    "feeds.add": _on(Action.PHONE, _OWN),
    "feeds.links": _on(Action.PHONE, _OWN),
    "feeds.link": _on(Action.PHONE, "feed_id"),
    "feeds.url": Rule(action=Action.PHONE, whose="feed_id", only_own=True),
    "feeds.revoke": _on(Action.PHONE, "feed_id"),
    "feeds.body": _on(Action.PHONE, "feed_id"),
    "feeds.bodies": _on(Action.PHONE, _OWN),
    "feeds.preview": _on(Action.PHONE, _OWN),
    "feeds.renew": _on(Action.PHONE, "feed_id"),
    "feeds.revoke_all": _on(Action.PHONE, _OWN),
    "reachability.address": _somewhere(Action.PHONE),
    "reachability.addresses": _somewhere(Action.PHONE),
    "reachability.check": _somewhere(Action.PHONE),
    "reachability.from_outside": _somewhere(Action.PHONE),
    "reachability.door": _somewhere(Action.PHONE),
    "reachability.host": _somewhere(Action.PHONE),
    "reachability.listener": _somewhere(Action.PHONE),
    "reachability.sentence": _somewhere(Action.PHONE),
    "feeds.export": _on(Action.EXPORT, _OWN),
    "doctor.examine": _on(Action.PRACTICE),
    "doctor.fix": _on(Action.PRACTICE),
    "support.bundle": _on(Action.PRACTICE),
    "support.file_name": _on(Action.PRACTICE),
    "backups.back_up": _on(Action.PRACTICE),
    "backups.discard": _on(Action.PRACTICE),
    "backups.file_name": _on(Action.PRACTICE),
    "backups.kept": _on(Action.PRACTICE),
    "backups.kept_path": _on(Action.PRACTICE),
    "backups.prove": _on(Action.PRACTICE),
    "transfer.export": _on(Action.PRACTICE),
    "transfer.preview": _on(Action.PRACTICE),
    "transfer.take": _on(Action.PRACTICE),
    "accounts.users": _on(Action.USERS),
    "accounts.user": _on(Action.USERS),
    "accounts.named": _on(Action.USERS),
    "accounts.add": _on(Action.USERS),
    "accounts.edit": _on(Action.USERS),
    "accounts.remove": _on(Action.USERS),
    "accounts.reset_password": _on(Action.USERS),
    "accounts.open_sessions": _on(Action.USERS),
    "accounts.sign_out_everywhere": _on(Action.USERS),
}

NEVER: frozenset[str] = frozenset({
    "settings.change",
    "uploads.run",
    "uploads.cancel",
    "changes.publish",
    "worker.run",
    "watching.run",
    "activity.add",
    "activity.prune",
    "syncing.book_changed",
    "syncing.paused_sync",
    "connecting.finish",
    "book.apply",
    "book.reassign",
    "book.change_sign",
    "book.source_rows",
    "feeds.close",
    "feeds.fetch",
    "feeds.miss",
    "feeds.ready",
    "feeds.tidy",
    "accounts.sessions",
    "accounts.sign_in",
    "accounts.add_first",
    "accounts.add_demo",
    "accounts.change_password",
})  # fmt: skip
"""Of no concern to pages: the program's own work, and the plain routes'."""


def check(user: User, rule: Rule, owners: tuple[str, ...] | None = None) -> None:
    """Raises NotAllowed. `owners`: the practitioners it concerns; None when that is not said."""
    action = rule.action
    if action is None:
        return
    if rule.only_own:
        allowed = bool(owners) and owners == (user.practitioner_id,)
    elif rule.somewhere:
        allowed = may_somewhere(user, action)
    elif owners:
        allowed = all(may(user, action, each) for each in owners)
    else:
        allowed = may(user, action)
    if not allowed:
        raise refusal(user, action)


def opens(user: User, path: str) -> bool:
    """May they open this page at all? For what the navigation offers."""
    rule = PAGES.get(path, ADMINISTRATORS)
    if rule.action is None or rule.somewhere or rule.whose:
        return rule.action is None or may_somewhere(user, rule.action)
    return may(user, rule.action)


class Gate:
    """`Application` as the pages get them; `who` is asked at every call."""

    def __init__(self, services: Application, who: Callable[[], User], **more: object) -> None:
        """`more`: parts beside the services, by name."""
        self._services = services
        self._who = who
        self._more = more

    def __getattr__(self, part: str) -> Any:
        if part.startswith("_"):
            raise AttributeError(part)
        found = self._more[part] if part in self._more else getattr(self._services, part)
        return _GatedPart(part, found, self._services, self._who)


class _GatedPart:
    def __init__(
        self, name: str, part: object, services: Application, who: Callable[[], User]
    ) -> None:
        self._name = name
        self._part = part
        self._services = services
        self._who = who

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        full = f"{self._name}.{name}"
        if full in NEVER:
            raise NotAllowed(detail=f"{full} is not for pages")
        rule = METHODS.get(full, ADMINISTRATORS)
        found = getattr(self._part, name)
        if not callable(found):
            check(self._who(), rule)
            return found
        return self._gated(found, rule)

    def _gated(self, method: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
        resolve = _OWNERS.get(rule.whose)
        if resolve is not None:

            @wraps(method)
            async def asks_first(*args: Any, **kwargs: Any) -> Any:
                owner = await resolve(self._services, _argument(method, rule.whose, args, kwargs))
                check(self._who(), rule, owner)
                return await method(*args, **kwargs)

            return asks_first

        @wraps(method)
        def asks(*args: Any, **kwargs: Any) -> Any:
            value = _argument(method, rule.whose, args, kwargs) if rule.whose else None
            owners = None if not value else (value,) if isinstance(value, str) else tuple(value)
            check(self._who(), rule, owners)
            return method(*args, **kwargs)

        return asks


@cache
def _signature(function: object) -> inspect.Signature:
    return inspect.signature(function)  # type: ignore[arg-type]  # a method's function


def _argument(
    method: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What `name` is in this call; None when it is left out."""
    signature = _signature(getattr(method, "__func__", method))
    bound = hasattr(method, "__func__")
    given = signature.bind_partial(*((None, *args) if bound else args), **kwargs)
    return given.arguments.get(name)


async def _of_appointment(services: Application, key: str) -> tuple[str, ...] | None:
    """Of an appointment's id or an occurrence's key; nobody's when there is none."""
    found = await services.book.appointment(appointment_id_of(key))
    return None if found is None else (found.practitioner_id,)


async def _of_feed(services: Application, feed_id: str) -> tuple[str, ...] | None:
    return ((await services.feeds.link(feed_id)).practitioner_id,)


_OWNERS: Mapping[str, Callable[[Application, str], Awaitable[tuple[str, ...] | None]]] = {
    "appointment_id": _of_appointment,
    "key": _of_appointment,
    "feed_id": _of_feed,
}
