"""Practitioners: the people whose calendars are kept, their settings, and the practice's own.

Every change goes through `SettingsStore.change` as one edit, so two windows never lose each
other's. A change of what may be shown (disclosure, the practice's cap, name, time zone) raises
`disclosure_revision`, which is part of SEQUENCE in feeds: subscribers then take the new text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.errors import BadInput
from companion.domain.palette import colours_fixed, free_colour
from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings, SyncChoices
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    AppointmentBook,
    BookChange,
    Clock,
    SettingsStore,
)
from companion.services.rows import next_change
from companion.services.settings import checks, formatting
from companion.services.settings.differences import differences, named
from companion.services.settings.notice_checks import complete
from companion.services.settings.notice_words import NOTICES, PREFIX
from companion.services.settings.practice_words import PRACTICE

_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - wall time
_LATEST = datetime(2300, 1, 1)  # noqa: DTZ001 - wall time


class Practitioners:
    def __init__(
        self,
        *,
        settings: SettingsStore,
        book: AppointmentBook,
        clock: Clock,
        leaving: Sequence[Callable[[str], Awaitable[object]]] = (),
        activity: ActivityLog | None = None,
    ) -> None:
        """`activity`: where changes are noted. `leaving` is called with the id of a practitioner
        about to be removed or merged, so that feed links and the like are removed first; an error
        it raises stops the removal."""
        self._settings = settings
        self._book = book
        self._clock = clock
        self._leaving = tuple(leaving)
        self._activity = activity

    # ── people ────────────────────────────────────────────────────────────────────────────────

    @allows(Action.PRACTITIONERS)
    async def add(
        self,
        name: str,
        *,
        email: str = "",
        timezone: str = "",
        id: str = "",  # noqa: A002 - the contract's word
    ) -> Practitioner:
        """Zone "" is the practice's; id "" is made of the name. Raises BadInput."""
        tidy = checks.name(name)
        address = checks.email(email)
        zone = checks.timezone(timezone) if timezone.strip() else ""
        wanted = checks.identifier(id.strip()) if id.strip() else ""

        def edit(settings: Settings) -> Settings:
            _no_namesake(settings, tidy, "")
            if wanted in settings.practitioners:
                raise BadInput(f'The id "{wanted}" is taken.', "Choose another.", field="id")
            last = max(
                (each.practitioner.display_order for each in settings.practitioners.values()),
                default=0,
            )
            settings = colours_fixed(settings)
            person = Practitioner(
                id=wanted or _free_id(settings, tidy),
                name=tidy,
                email=address,
                timezone=zone or settings.practice.timezone,
                colour=free_colour(settings),
                display_order=last,
            )
            return settings.with_practitioner(PractitionerSettings(practitioner=person))

        after = await self._settings.change(edit)
        made = after.practitioner(tidy).practitioner
        await self._note(ActivityKind.PRACTITIONERS, f"{made.name} was added.", made.id)
        return made

    @allows(Action.PRACTITIONERS)
    async def edit(
        self,
        practitioner_id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        timezone: str | None = None,
        colour: str | None = None,
        display_order: int | None = None,
        aliases: Sequence[str] | None = None,
    ) -> Practitioner:
        """None leaves a value as it is. `colour` is ``#rrggbb`` or empty; a previous name becomes
        an alias, so that exports which still use it find their person. Raises BadInput."""

        def edit(settings: Settings) -> Settings:
            record = settings.record(practitioner_id)
            person = record.practitioner
            if name is not None:
                person = replace(person, name=checks.name(name))
            if email is not None:
                person = replace(person, email=checks.email(email))
            if timezone is not None:
                person = replace(person, timezone=checks.timezone(timezone))
            if colour is not None:
                person = replace(person, colour=checks.display_colour(colour, "colour"))
            if display_order is not None:
                person = replace(person, display_order=display_order)
            if aliases is not None:
                known = tuple(checks.name(each, "aliases") for each in aliases)
                person = replace(person, aliases=known)
            return self._put(settings, record, replace(record, practitioner=person))

        after = await self._settings.change(edit)
        return after.practitioners[practitioner_id].practitioner

    @allows(Action.PRACTITIONERS)
    async def merge(self, from_id: str, into_id: str) -> Practitioner:
        """Merge two records of one person: the appointments move, the names stay as aliases. Raises
        BadInput for oneself or one who is still connected to Google."""
        if from_id == into_id:
            raise BadInput("These are the same practitioner.", "Choose two.", field="into")
        settings = self._settings.read()
        settings.record(into_id)
        _not_connected(settings.record(from_id))
        for notify in self._leaving:
            await notify(from_id)
        # The book first: after a crash in between, both people are still there to be merged.
        await self._book.reassign(from_id, into_id, self._clock.now())

        def edit(settings: Settings) -> Settings:
            settings = colours_fixed(settings)
            into, left = settings.record(into_id), settings.record(from_id)
            _not_connected(left)
            names = (left.practitioner.name, *left.practitioner.aliases)
            person = _with_aliases(into.practitioner, names)
            rest = settings.without_practitioner(from_id)
            for user in settings.users.values():
                if user.practitioner_id == from_id:
                    rest = rest.with_user(replace(user, practitioner_id=into_id))
            return rest.with_practitioner(replace(into, practitioner=person))

        after = await self._settings.change(edit)
        # What an import wrote to the old id meanwhile follows.
        await self._book.reassign(from_id, into_id, self._clock.now())
        into = after.practitioners[into_id].practitioner
        left = settings.record(from_id).practitioner.name
        text = f"{left} was merged into {into.name}."
        await self._note(ActivityKind.PRACTITIONERS, text, into_id)
        return into

    @allows(Action.PRACTITIONERS)
    async def remove(self, practitioner_id: str) -> None:
        """The person, their settings and their appointments in the book. Raises BadInput while
        connected to Google, where their events would be left behind, and while a user signs in as
        this practitioner."""
        settings = self._settings.read()
        _not_connected(settings.record(practitioner_id))
        _no_user_signs_in_as(settings, practitioner_id)
        for notify in self._leaving:
            await notify(practitioner_id)
        theirs = await self._book.appointments(practitioner_id, _EARLIEST, _LATEST)
        if theirs:
            gone = BookChange(remove=[each.id for each in theirs])
            await self._book.apply(gone, self._clock.now())

        def edit(settings: Settings) -> Settings:
            _not_connected(settings.record(practitioner_id))
            _no_user_signs_in_as(settings, practitioner_id)
            return colours_fixed(settings).without_practitioner(practitioner_id)

        await self._settings.change(edit)
        name = settings.record(practitioner_id).practitioner.name
        await self._note(ActivityKind.PRACTITIONERS, f"{name} was removed.")

    @allows(Action.PRACTITIONERS)
    async def appointments_of(self, practitioner_id: str) -> int:
        """How many the book holds: what merging moves, and removing takes along."""
        return await self._book.count(practitioner_id)

    # ── choices as values ─────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    async def set_choices(self, practitioner_id: str, choices: SyncChoices) -> PractitionerSettings:
        """All or none; BadInput's field is the key of `set_values`."""
        wanted = checks.choices(choices)

        return await self._change(practitioner_id, lambda each: replace(each, choices=wanted))

    async def _change(
        self,
        practitioner_id: str,
        edit_record: Callable[[PractitionerSettings], PractitionerSettings],
    ) -> PractitionerSettings:
        seen: list[PractitionerSettings] = []

        def edit(settings: Settings) -> Settings:
            record = settings.record(practitioner_id)
            seen[:] = [record]
            return self._put(settings, record, edit_record(record))

        after = (await self._settings.change(edit)).record(practitioner_id)
        if found := differences(seen[0], after, formatting.PRACTITIONER):
            text = f"Settings were changed: {named(found)}."
            await self._note(ActivityKind.SETTINGS, text, practitioner_id)
        return after

    @allows(Action.PRACTICE)
    async def edit_practice(
        self, edit_practice: Callable[[PracticeSettings], PracticeSettings]
    ) -> PracticeSettings:
        """All or none. Raises BadInput. A new zone counts for people added later."""

        seen: list[PracticeSettings] = []

        def edit(settings: Settings) -> Settings:
            seen[:] = [settings.practice]
            changed = replace(settings, practice=edit_practice(settings.practice))
            if changed.practice.cap != settings.practice.cap:
                # Feeds have presets of their own, so the cap may show in any of them.
                for record in settings.practitioners.values():
                    changed = changed.with_practitioner(shown_anew(record, self._clock.now()))
            return changed

        after = (await self._settings.change(edit)).practice
        if found := differences(seen[0], after, _PRACTICE):
            text = f"The practice's settings were changed: {named(found)}."
            await self._note(ActivityKind.SETTINGS, text)
        return after

    # ── settings in words ─────────────────────────────────────────────────────────────────────

    @allows(Action.GOOGLE, of="practitioner_id")
    def values(self, practitioner_id: str) -> dict[str, str]:
        """By key, as `set_values` takes them."""
        return formatting.show(
            self._settings.read().record(practitioner_id), formatting.PRACTITIONER
        )

    @allows(Action.GOOGLE, of="practitioner_id")
    async def set_values(
        self, practitioner_id: str, values: Mapping[str, str]
    ) -> PractitionerSettings:
        """All or none; BadInput's field is the key."""

        return await self._change(
            practitioner_id,
            lambda record: formatting.change(record, values, formatting.PRACTITIONER),
        )

    @allows(Action.PRACTICE)
    def practice_values(self) -> dict[str, str]:
        return formatting.show(self._settings.read().practice, _PRACTICE)

    @allows(Action.PRACTICE)
    async def set_practice(self, values: Mapping[str, str]) -> PracticeSettings:
        """As `edit_practice`; BadInput's field is the key."""

        def edit(practice: PracticeSettings) -> PracticeSettings:
            changed = formatting.change(practice, values, _PRACTICE)
            complete(changed.notices, PREFIX)
            return changed

        return await self.edit_practice(edit)

    async def _note(self, kind: ActivityKind, text: str, practitioner_id: str = "") -> None:
        if self._activity is not None:
            await note(
                self._activity,
                self._clock,
                kind,
                text,
                cause="practitioners",
                practitioner_id=practitioner_id,
            )

    # ── one record ────────────────────────────────────────────────────────────────────────────

    def _put(
        self, settings: Settings, before: PractitionerSettings, after: PractitionerSettings
    ) -> Settings:
        old, new = before.practitioner, after.practitioner
        if new.name != old.name:
            _no_namesake(settings, new.name, old.id)
            after = replace(after, practitioner=_with_aliases(new, (old.name,)))
        for alias in set(new.aliases) - set(old.aliases):
            _no_namesake(settings, alias, old.id)
        shown_before = (before.choices.disclosure, old.timezone, old.name)
        if (after.choices.disclosure, new.timezone, new.name) != shown_before:
            after = shown_anew(after, self._clock.now())
        return settings.with_practitioner(after)


_PRACTICE = {**PRACTICE, **NOTICES}


def shown_anew(record: PractitionerSettings, now: datetime) -> PractitionerSettings:
    """DTSTAMP and SEQUENCE must rise, even when the clock went back."""
    return replace(
        record,
        disclosure_revision=record.disclosure_revision + 1,
        disclosure_changed_at=next_change(now, record.disclosure_changed_at),
    )


def _not_connected(record: PractitionerSettings) -> None:
    if record.google.account or record.google.connected:
        raise BadInput(
            f"{record.practitioner.name} is still connected to Google.",
            "Disconnect first, with or without removing the events there.",
            field="practitioner",
        )


def _no_user_signs_in_as(settings: Settings, practitioner_id: str) -> None:
    for user in settings.users.values():
        if user.practitioner_id == practitioner_id:
            raise BadInput(
                f"{user.name} signs in to the app as this practitioner.",
                "Remove that user first, under Users, or give them another practitioner.",
                field="practitioner",
            )


def _no_namesake(settings: Settings, name: str, own_id: str) -> None:
    for each in settings.practitioners.values():
        if each.practitioner.id != own_id and each.practitioner.matches_name(name):
            raise BadInput(
                f'There is already a practitioner "{each.practitioner.name}" who answers to '
                f'"{name}".',
                "Use another spelling, or merge the two.",
                field="name",
            )


def _free_id(settings: Settings, name: str) -> str:
    first = checks.slug(name)
    number, wanted = 1, first
    while wanted in settings.practitioners:
        number += 1
        wanted = f"{first}-{number}"
    return wanted


def _with_aliases(person: Practitioner, names: Sequence[str]) -> Practitioner:
    """Without the own name and repetitions."""
    kept: dict[str, str] = {}
    for each in (*person.aliases, *names):
        kept.setdefault(fold_name(each), each)
    kept.pop(fold_name(person.name), None)
    return replace(person, aliases=tuple(kept.values()))
