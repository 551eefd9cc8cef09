"""Accounts: the practice's users, their passwords, and signing in and out.

The first user is an administrator, made by the welcome; one administrator always stays. A
practitioner user belongs to one practitioner. What each role may do is `access.policy`, who is
signed in `sessions`, how tries are slowed down `delays`.

An unknown name costs as much time as a wrong password, and both get the same sentence.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from weakref import WeakValueDictionary

from companion.domain.appointments import fold_name
from companion.domain.errors import BadInput, CompanionError, NotFound
from companion.domain.settings import Settings
from companion.domain.users import Role, User, user_called
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.accounts.delays import Delays
from companion.services.accounts.sessions import Sessions, SessionStore
from companion.services.activity import note
from companion.services.pools import PASSWORDS
from companion.services.ports import ActivityKind, ActivityLog, Clock, SettingsStore
from companion.services.settings import checks

SHORTEST, LONGEST = 10, 200
"""Characters of a password; no rule what they are (NIST SP 800-63B 3.1.1)."""
_COMMON = ("password", "passwort", "1234567890", "qwertyuiop", "calendarcompanion")
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
DEMO_USER = "demo"


class PasswordHasher(Protocol):
    """Blocking, slow on purpose."""

    def hash(self, password: str) -> str: ...

    def matches(self, kept: str, password: str) -> bool:
        """False for anything that is no hash of this kind."""
        ...

    def outdated(self, kept: str) -> bool:
        """Made with weaker parameters than today's."""
        ...


class SignInRefused(BadInput):
    """Wrong name or password, or too soon after failed tries."""

    default_what = "That name and password do not belong together."
    default_remedy = "Check both and try again."


class Accounts:
    def __init__(
        self,
        *,
        settings: SettingsStore,
        passwords: PasswordHasher,
        sessions: SessionStore,
        activity: ActivityLog,
        clock: Clock,
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        choose: Callable[[str], str] = secrets.choice,
    ) -> None:
        self._settings = settings
        self._passwords = passwords
        self._activity = activity
        self._clock = clock
        self._choose = choose
        self._delays = Delays(clock)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By machine."""
        self._unused = ""
        """A hash to compare with when there is no such user."""
        self.sessions = Sessions(store=sessions, settings=settings, clock=clock, token=token)

    # ── who there is ──────────────────────────────────────────────────────────────────────────

    @allows(Action.USERS)
    def users(self) -> tuple[User, ...]:
        return tuple(self._settings.read().users.values())

    @allows(Action.USERS)
    def user(self, user_id: str) -> User:
        """Raises NotFound."""
        return _known(self._settings.read(), user_id)

    @allows(Action.USERS)
    def named(self, name: str) -> User:
        """Raises NotFound."""
        for user in self.users():
            if user.matches_name(name) or user.id == name:
                return user
        known = ", ".join(user.name for user in self.users())
        raise NotFound(
            f'There is no user "{name[:60]}".', f"Known: {known}." if known else "Add one first."
        )

    async def add_first(self, name: str, password: str) -> User:
        """The administrator of a home without users. Raises BadInput."""
        tidy = checks.name(name)
        hashed = await self._hash(_checked(password, tidy))
        user = User(id=checks.slug(tidy), name=tidy, role=Role.ADMINISTRATOR, password=hashed)

        def edit(settings: Settings) -> Settings:
            if settings.users:
                raise BadInput("This practice has its administrator already.", "Sign in instead.")
            return settings.with_user(user)

        await self._settings.change(edit)
        await self._note(f"{tidy} is the practice's first administrator.")
        return user

    async def add_demo(self) -> User:
        """The demo's administrator, who signs in without a password."""
        user = User(id=DEMO_USER, name="Demo administrator", role=Role.ADMINISTRATOR)

        def edit(settings: Settings) -> Settings:
            return settings if settings.users else settings.with_user(user)

        settings = await self._settings.change(edit)
        administrators = (e for e in settings.users.values() if e.role is Role.ADMINISTRATOR)
        return settings.users.get(DEMO_USER) or next(administrators)

    @allows(Action.USERS)
    async def add(self, name: str, role: Role, *, practitioner_id: str = "") -> tuple[User, str]:
        """The new user and their first password, to be changed at the first sign-in.

        Raises BadInput whose field is ``name`` or ``practitioner_id``."""
        tidy = checks.name(name)
        password = self._readable()
        hashed = await self._hash(password)

        def edit(settings: Settings) -> Settings:
            _no_namesake(settings, tidy, "")
            user = User(
                id=_free_id(settings, tidy),
                name=tidy,
                role=role,
                practitioner_id=_belongs_to(settings, role, practitioner_id),
                password=hashed,
                must_change=True,
            )
            return settings.with_user(user)

        await self._settings.change(edit)
        await self._note(f"The user {tidy} was added ({role}).")
        return self.named(tidy), password

    @allows(Action.USERS)
    async def edit(
        self,
        user_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        practitioner_id: str | None = None,
    ) -> User:
        """None leaves a value as it is. Raises BadInput, NotFound."""

        def edit(settings: Settings) -> Settings:
            user = _known(settings, user_id)
            tidy = user.name if name is None else checks.name(name)
            _no_namesake(settings, tidy, user_id)
            wanted = user.role if role is None else role
            belongs = user.practitioner_id if practitioner_id is None else practitioner_id
            changed = replace(
                user,
                name=tidy,
                role=wanted,
                practitioner_id=_belongs_to(settings, wanted, belongs),
            )
            return _with_an_administrator(settings.with_user(changed))

        user = (await self._settings.change(edit)).users[user_id]
        await self._note(f"The user {user.name} was changed ({user.role}).")
        return user

    @allows(Action.USERS)
    async def remove(self, user_id: str) -> None:
        """Their sessions end with them. Raises BadInput for the last administrator."""
        name = self.user(user_id).name
        await self._settings.change(
            lambda settings: _with_an_administrator(settings.without_user(user_id))
        )
        await self._note(f"The user {name} was removed.")

    # ── signing in and out ────────────────────────────────────────────────────────────────────

    async def sign_in(self, name: str, password: str, *, machine: str) -> tuple[User, str]:
        """The user and their session's token; `machine` names the browser that tries.

        Raises SignInRefused, saying how long to wait after several failures."""
        found = user_called(self.users(), name)
        typed = found.name if found is not None else name  # a short name gives no further tries
        key = (fold_name(typed)[:200], machine)
        left = self._delays.seconds_left(*key)
        if left > 0:
            raise SignInRefused(
                "That was tried too often.", f"Wait {_wait(left)}, then try again.", field="name"
            )
        self._delays.begin(*key)
        async with self._locks.setdefault(machine, asyncio.Lock()):  # one's tries delay no other
            kept = found.password if found is not None else await self._unused_hash()
            good = await self._matches(kept, password)
        if found is None or not good:
            wait = self._delays.seconds_left(*key)
            raise SignInRefused(
                None,
                f"Check both; the next try is taken in {_wait(wait)}." if wait else None,
                field="name",
            )
        self._delays.succeeded(*key)
        if self._passwords.outdated(found.password):
            await self._keep_password(found.id, await self._hash(password), found)
            found = self.user(found.id)
        return found, await self.sessions.begin(found)

    @allows(Action.USERS)
    def open_sessions(self, user_id: str) -> int:
        return self.sessions.count(user_id)

    @allows(Action.USERS)
    async def sign_out_everywhere(self, user_id: str) -> None:
        def edit(settings: Settings) -> Settings:
            user = _known(settings, user_id)
            return settings.with_user(replace(user, epoch=user.epoch + 1))

        await self._settings.change(edit)

    # ── passwords ─────────────────────────────────────────────────────────────────────────────

    async def change_password(self, user_id: str, *, present: str, new: str, machine: str) -> str:
        """The token of a new session: all others of this user end. Raises BadInput whose field
        is ``present`` or ``new``."""
        user = self.user(user_id)
        key = (f"change {user_id}", machine)
        if (left := self._delays.seconds_left(*key)) > 0:
            raise BadInput(
                "That was tried too often.", f"Wait {_wait(left)} and try again.", field="present"
            )
        self._delays.begin(*key)
        if not await self._matches(user.password, present):
            raise BadInput("This is not the present password.", "Type it again.", field="present")
        self._delays.succeeded(*key)
        if new == present:
            raise BadInput("The new password is the present one.", "Choose another.", field="new")
        hashed = await self._hash(_checked(new, user.name))
        changed = await self._set_password(user_id, hashed, must_change=False)
        return await self.sessions.begin(changed)

    @allows(Action.USERS)
    async def reset_password(self, user_id: str) -> str:
        """A new password to hand over; it must be changed at the next sign-in, and everything
        the user had open is signed out."""
        password = self._readable()
        user = await self._set_password(user_id, await self._hash(password), must_change=True)
        await self._note(f"The password of {user.name} was reset.")
        return password

    async def _set_password(self, user_id: str, hashed: str, *, must_change: bool) -> User:
        def edit(settings: Settings) -> Settings:
            user = _known(settings, user_id)
            return settings.with_user(
                replace(user, password=hashed, epoch=user.epoch + 1, must_change=must_change)
            )

        return (await self._settings.change(edit)).users[user_id]

    async def _keep_password(self, user_id: str, hashed: str, seen: User) -> None:
        """The same password, hashed anew; unless another was set meanwhile."""

        def edit(settings: Settings) -> Settings:
            user = settings.users.get(user_id)
            if user is None or user.password != seen.password:
                return settings
            return settings.with_user(replace(user, password=hashed))

        await self._settings.change(edit)

    def _readable(self) -> str:
        """59 bits, easy to read out, such as ``k7mq-x2pd-9fhw``."""
        return "-".join("".join(self._choose(_READABLE) for _ in range(4)) for _ in range(3))

    async def _hash(self, password: str) -> str:
        return await PASSWORDS.run(self._passwords.hash, password)

    async def _matches(self, kept: str, password: str) -> bool:
        if len(password) > LONGEST:
            return False
        return await PASSWORDS.run(self._passwords.matches, kept, password)

    async def _unused_hash(self) -> str:
        if not self._unused:
            self._unused = await self._hash(self._readable())
        return self._unused

    async def _note(self, text: str) -> None:
        try:
            await note(self._activity, self._clock, ActivityKind.USERS, text, cause="accounts")
        except CompanionError:  # the change itself is saved; the activity list is secondary
            return


def _checked(password: str, name: str) -> str:
    if len(password) < SHORTEST:
        raise BadInput(
            f"The password is shorter than {SHORTEST} characters.",
            "Three or four words that do not belong together are easy to remember.",
            field="new",
        )
    if len(password) > LONGEST:
        raise BadInput(f"The password is longer than {LONGEST} characters.", field="new")
    plain = "".join(password.split()).casefold()
    guesses = {*_COMMON, "".join(name.split()).casefold()}
    if len(set(plain)) < 4 or any(plain.strip("0123456789!.") in {g, g * 2} for g in guesses):
        raise BadInput(
            "That password is among the first that would be guessed.",
            "Three or four words that do not belong together are better.",
            field="new",
        )
    return password


def _wait(seconds: float) -> str:
    whole = math.ceil(seconds)
    if whole < 90:
        return f"{whole} second{'' if whole == 1 else 's'}"
    return f"{math.ceil(whole / 60)} minutes"


def _known(settings: Settings, user_id: str) -> User:
    user = settings.users.get(user_id)
    if user is None:
        raise NotFound("That user does not exist any more.", "Reload the list.")
    return user


def _no_namesake(settings: Settings, name: str, own_id: str) -> None:
    for user in settings.users.values():
        if user.id != own_id and user.matches_name(name):
            raise BadInput(
                f'There is already a user "{user.name}".', "Use another name.", field="name"
            )


def _belongs_to(settings: Settings, role: Role, practitioner_id: str) -> str:
    if role is not Role.PRACTITIONER:
        return ""
    if practitioner_id not in settings.practitioners:
        raise BadInput(
            "A practitioner's sign-in belongs to one practitioner.",
            "Choose whose calendar it is.",
            field="practitioner_id",
        )
    return practitioner_id


def _with_an_administrator(settings: Settings) -> Settings:
    if not any(user.role is Role.ADMINISTRATOR for user in settings.users.values()):
        raise BadInput(
            "The practice needs at least one administrator.",
            "Make somebody else an administrator first.",
            field="role",
        )
    return settings


def _free_id(settings: Settings, name: str) -> str:
    first = checks.slug(name)
    number, wanted = 1, first
    while wanted in settings.users:
        number += 1
        wanted = f"{first}-{number}"
    return wanted
