"""Feeds: subscribable links, one per practitioner and device; and the export file.

A link's token is known to its holder and, sealed, to the secret store; the tables hold its hash
alone (companion.services.feeds.links). What a link answers is companion.services.feeds.serving.
Export and feed show the same projection as Google, each under the practice's cap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from companion.domain.disclosure import Disclosure
from companion.domain.errors import BadInput, NotFound, StoreError
from companion.domain.plain_text import clean_text
from companion.domain.settings import Settings, check_days
from companion.domain.tokens import token_digest
from companion.domain.window import SyncWindow
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.changes import Changes
from companion.services.feeds.answers import FeedAnswer, FeedBody, Poll
from companion.services.feeds.bodies import FeedBodies, FeedPreview
from companion.services.feeds.links import (
    base_address,
    end_of,
    file_name,
    long_off,
    new_token,
    off_at,
    secret_name,
)
from companion.services.feeds.ports import FeedWriter, KeptFeeds
from companion.services.feeds.serving import FeedServing
from companion.services.feeds.views import view_of
from companion.services.known_names import KnownNames
from companion.services.pools import EXPORTS
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    AppointmentBook,
    Clock,
    FeedDetail,
    FeedLink,
    FeedStore,
    SecretStore,
    SettingsStore,
)


class Feeds:
    def __init__(  # noqa: PLR0913 - what it joins; assembly names each
        self,
        *,
        book: AppointmentBook,
        settings: SettingsStore,
        store: FeedStore,
        secrets: SecretStore,
        activity: ActivityLog,
        clock: Clock,
        changes: Changes,
        writer: FeedWriter,
        kept: KeptFeeds,
        listener: Callable[[], tuple[str, int]],
        stale_since: Callable[[str], datetime | None] = lambda _practitioner_id: None,
        token: Callable[[], str] = new_token,
        bodies: FeedBodies | None = None,
        names: KnownNames | None = None,
        reachable: Callable[[], bool] = lambda: True,
    ) -> None:
        """`listener`: host and port by which other machines reach the feed listener;
        `stale_since`: since when a practitioner's book is out of date, if it is; `bodies`: with
        other bounds than usual; `reachable`: whether the database is."""
        self._settings = settings
        self._store = store
        self._secrets = secrets
        self._activity = activity
        self._clock = clock
        self._kept = kept
        self._listener = listener
        self._token = token
        self._bodies = bodies or FeedBodies(book=book, writer=writer, names=names)
        self._serving = FeedServing(
            book=book,
            settings=settings,
            store=store,
            clock=clock,
            bodies=self._bodies,
            kept=kept,
            stale_since=stale_since,
            changes=changes,
            reachable=reachable,
        )

    async def _owner(self, feed_id: str) -> str:
        return (await self._find(feed_id)).practitioner_id

    @allows(Action.PHONE, of="practitioner_id")
    async def add(
        self,
        practitioner_id: str,
        *,
        label: str,
        detail: FeedDetail = FeedDetail.INITIALS,
        custom: Disclosure | None = None,
        days_in_arrears: int | None = None,
        days_in_advance: int | None = None,
        expires: date | None = None,
    ) -> tuple[FeedLink, str]:
        """A new link and its URL. `custom` is what it shows when its detail is CUSTOM. Days
        left out are the practitioner's own; the link works to the end of the day `expires` in
        their zone. Raises BadInput, NotFound, SecretsError."""
        record = self._settings.read().practitioner(practitioner_id)
        now = self._clock.now()
        choices = record.choices
        back = choices.days_in_arrears if days_in_arrears is None else days_in_arrears
        ahead = choices.days_in_advance if days_in_advance is None else days_in_advance
        link = FeedLink(
            id="",
            practitioner_id=record.practitioner.id,
            label=_label(label),
            detail=detail,
            custom=(custom or Disclosure()) if detail is FeedDetail.CUSTOM else None,
            token_hash=b"",
            created_at=now,
            days_in_arrears=check_days(back, "days_in_arrears"),
            days_in_advance=check_days(ahead, "days_in_advance"),
            expires_at=end_of(expires, record, now),
        )
        return await self._make(link)

    async def _make(self, plan: FeedLink) -> tuple[FeedLink, str]:
        """A link like `plan`, with an id and a token of its own, and its URL."""
        settings = self._settings.read()
        if not settings.practice.feeds_allowed:
            raise BadInput(
                "The practice has switched phone links off.",
                "Ask the practice to allow them, under Practice.",
            )
        token = self._token()
        link_id = hashlib.sha256(b"link id " + token.encode()).hexdigest()[:10]
        link = replace(plan, id=link_id, token_hash=token_digest(token))
        await self._secrets.put(secret_name(link.id), token)
        await self._store.put(link)
        await self._note_activity(link, ActivityKind.FEED_ADDED, "A phone link was made.")
        return link, self._url(token, settings)

    @allows(Action.PHONE, of="feed_id", owner=_owner)
    async def edit(
        self,
        feed_id: str,
        *,
        label: str,
        detail: FeedDetail,
        custom: Disclosure | None = None,
        days_in_arrears: int,
        days_in_advance: int,
        expires: date | None = None,
    ) -> FeedLink:
        """Another name, or something else to show: the link itself stays as it is, so nothing is
        set up again. Raises BadInput, NotFound."""
        old = await self.link(feed_id)
        now = self._clock.now()
        if off_at(old, now):
            raise BadInput("This link is switched off.", "Make a new one for the device.")
        record = self._settings.read().practitioner(old.practitioner_id)
        link = replace(
            old,
            label=_label(label),
            detail=detail,
            custom=(custom or Disclosure()) if detail is FeedDetail.CUSTOM else None,
            days_in_arrears=check_days(days_in_arrears, "days_in_arrears"),
            days_in_advance=check_days(days_in_advance, "days_in_advance"),
            expires_at=end_of(expires, record, now),
        )
        if link != old:
            await self._store.put(link)
            await self._note_activity(link, ActivityKind.FEED_ADDED, "A phone link was changed.")
        return link

    @allows(Action.PHONE, of="feed_id", owner=_owner)
    async def renew(self, feed_id: str) -> tuple[FeedLink, str]:
        """A new link for the same device, showing the same for as long again; the old one is
        switched off. Raises NotFound, BadInput, SecretsError."""
        old = await self.link(feed_id)
        now = self._clock.now()
        made, url = await self._make(
            FeedLink(
                id="",
                practitioner_id=old.practitioner_id,
                label=old.label,
                detail=old.detail,
                custom=old.custom,
                token_hash=b"",
                created_at=now,
                days_in_arrears=old.days_in_arrears,
                days_in_advance=old.days_in_advance,
                expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
            )
        )
        await self.revoke(old.id)
        return made, url

    @allows(Action.PHONE, of="practitioner_id")
    async def links(self, practitioner_id: str | None = None) -> list[FeedLink]:
        """Oldest first, switched off and expired ones too."""
        return await self._store.links(practitioner_id)

    @allows(Action.PHONE, of="feed_id", owner=_owner)
    async def link(self, feed_id: str) -> FeedLink:
        """Raises NotFound."""
        return await self._find(feed_id)

    async def _find(self, feed_id: str) -> FeedLink:
        for link in await self._store.links():
            if link.id == feed_id:
                return link
        raise NotFound(
            f'There is no phone link "{feed_id[:40]}".',
            "The list shows every link with its id: python run.py feeds list",
        )

    @allows(Action.PHONE, of="feed_id", owner=_owner)
    async def revoke(self, feed_id: str) -> FeedLink:
        """Switch one link off for good; a second time changes nothing. Raises NotFound."""
        link = await self.link(feed_id)
        if link.revoked_at is None:
            link = replace(link, revoked_at=self._clock.now())
            await self._store.put(link)
            await self._note_activity(
                link, ActivityKind.FEED_REVOKED, "A phone link was switched off."
            )
        await self._serving.forget(link)
        await self._secrets.remove(secret_name(link.id))
        return link

    @allows(Action.PHONE, of="practitioner_id")
    async def revoke_all(self, practitioner_id: str | None = None) -> int:
        """Switch off every link, of one practitioner or of all; how many there were."""
        now = self._clock.now()
        using = [each for each in await self._store.links(practitioner_id) if not off_at(each, now)]
        for link in using:
            await self.revoke(link.id)
        return len(using)

    @allows(Action.PHONE, of="feed_id", owner=_owner, only_own=True)
    async def url(self, feed_id: str) -> str:
        """Raises NotFound when the link is switched off or its token is no longer kept."""
        link = await self.link(feed_id)
        token = await self._secrets.get(secret_name(link.id)) if not link.revoked_at else None
        if token is None:
            raise NotFound("This link cannot be shown again.", "Switch it off and make a new one.")
        return self._url(token, self._settings.read())

    async def tidy(self) -> int:
        """Remove links that have answered 404 for a while; how many."""
        now = self._clock.now()
        gone = [e for e in await self._store.links() if long_off(e, now - timedelta(days=30))]
        for link in gone:
            await self._store.remove(link.id)
            await self._secrets.remove(secret_name(link.id))
            await self._kept.drop(file_name(link.token_hash))
        return len(gone)

    def _url(self, token: str, settings: Settings) -> str:
        return f"{base_address(settings.practice, *self._listener())}/feeds/{token}.ics"

    async def _note_activity(self, link: FeedLink, kind: ActivityKind, text: str) -> None:
        await note(
            self._activity,
            self._clock,
            kind,
            text,
            cause="feeds",
            practitioner_id=link.practitioner_id,
        )

    @allows(Action.PHONE, of="feed_id", owner=_owner)
    async def body(self, feed_id: str) -> FeedBody:
        """What a link shows now, with its size and what was trimmed. Raises NotFound."""
        return await self._serving.body(await self.link(feed_id))

    @allows(Action.PHONE, of="practitioner_id")
    async def bodies(self, practitioner_id: str) -> dict[str, FeedBody]:
        """What each of a practitioner's links shows now, by its id; without those that are
        switched off, and those whose appointments a busy disk keeps for now."""
        found = {}
        for link in await self._store.links(practitioner_id):
            if not off_at(link, self._clock.now()):
                with suppress(StoreError, TimeoutError):
                    found[link.id] = await self._serving.body(link)
        return found

    @allows(Action.PHONE, of="practitioner_id")
    async def preview(
        self,
        practitioner_id: str,
        *,
        detail: FeedDetail,
        custom: Disclosure | None = None,
        days_in_arrears: int,
        days_in_advance: int,
    ) -> FeedPreview:
        """What a link of these choices would show, before there is one. Raises BadInput."""
        settings = self._settings.read()
        record = settings.practitioner(practitioner_id)
        now = self._clock.now()
        names = await self._bodies.names.current()
        view = view_of(
            record,
            settings,
            detail=detail,
            custom=custom,
            window=SyncWindow.around(
                now,
                record.practitioner.timezone,
                days_in_arrears=check_days(days_in_arrears, "days_in_arrears"),
                days_in_advance=check_days(days_in_advance, "days_in_advance"),
            ),
            names=names,
            now=now,
        )
        appointments = await self._bodies.read(view.projection)
        return await EXPORTS.run(self._bodies.preview, view, appointments, names)

    @allows(Action.EXPORT, of="practitioner_id")
    async def export(
        self,
        practitioner_id: str,
        *,
        first_day: date,
        last_day: date,
        detail: FeedDetail = FeedDetail.GOOGLE,
    ) -> bytes:
        """An .ics file of whole local days, both inclusive, without a limit of size."""
        if last_day < first_day:
            raise BadInput("The last day lies before the first.", field="to")
        settings = self._settings.read()
        record = settings.practitioner(practitioner_id)
        names = await self._bodies.names.current()
        view = view_of(
            record,
            settings,
            detail=detail,
            window=SyncWindow(
                first_day=first_day, last_day=last_day, timezone=record.practitioner.timezone
            ),
            names=names,
            now=self._clock.now(),
        )
        appointments = await self._bodies.read(view.projection)
        return await EXPORTS.run(self._bodies.export, view, appointments, names)

    async def fetch(self, token: str, poll: Poll | None = None, address: str = "") -> FeedAnswer:
        """The answer to one GET from `address`; `poll` is what the request of that token says."""
        return await self._serving.fetch(token, poll or Poll(token_digest(token)), address)

    def ready(self, poll: Poll, address: str) -> FeedAnswer | None:
        """The same at once, or None where something has to be looked up first."""
        return self._serving.ready(poll, address)

    def miss(self, address: str) -> FeedAnswer:
        """The answer to anything that is no link at all: the same as to an unknown one."""
        return self._serving.miss(address)

    async def close(self) -> None:
        """Wait for what fetches left to write."""
        await self._serving.close()


def _label(label: str) -> str:
    label = clean_text(label)
    if not 0 < len(label) <= 100:
        raise BadInput(
            "A link needs a label of at most 100 characters.",
            "Name the device it is for, for example: Work phone.",
            field="label",
        )
    return label
