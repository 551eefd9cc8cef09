"""Looking: which troubles there are just now, from what status, sources and doctor say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from companion.domain.differences import when
from companion.domain.settings import Settings
from companion.services.maintenance.backup_places import BackupStanding
from companion.services.maintenance.daily_backups import DailyBackups
from companion.services.maintenance.findings import Finding
from companion.services.notices.troubles import KEPT, Trouble, TroubleKind
from companion.services.ports import ActivityKind, ActivityLog, FeedStore, SettingsStore
from companion.services.sources.sources import Sources, SourceStatus
from companion.services.status import NextAction, PractitionerState, PractitionerStatus, Status
from companion.services.sync.staleness import Staleness

_REMEMBERED = KEPT - timedelta(days=1)
"""Younger links are looked at; what was told of them is remembered for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    troubles: tuple[Trouble, ...]
    hidden: frozenset[str]
    """Ids of practitioners whose state cannot be seen while a pass runs."""

    def unsure(self, trouble: Trouble) -> bool:
        """Whether it may be there without having been seen."""
        if trouble.practitioner_id:
            return trouble.practitioner_id in self.hidden
        return trouble.kind in _OF_EVERYBODY and bool(self.hidden)


_KINDS: Mapping[PractitionerState, TroubleKind] = {
    "sign in again": TroubleKind.SIGN_IN,
    "choose calendar": TroubleKind.CALENDAR,
    "another computer": TroubleKind.WRITER,
    "not authorised": TroubleKind.DELEGATION,
    "held": TroubleKind.REMOVALS,
    "parked": TroubleKind.PARKED,
    "error": TroubleKind.SYNC,
}
"""Of what needs a person; "stale" is a source's trouble, or everybody's."""
_BY_ACTION: Mapping[NextAction, TroubleKind] = {
    "add client": TroubleKind.CLIENT,
    "doctor": TroubleKind.SECRETS,
}
_OF_EVERYBODY: Mapping[TroubleKind, str] = {
    TroubleKind.CLIENT: "Practice",
    TroubleKind.SECRETS: "Doctor",
    TroubleKind.DELEGATION: "Practice",
    TroubleKind.BEHIND: "Doctor",
}
"""One trouble however many practitioners have it, with the page where it is mended."""


@dataclass(slots=True, kw_only=True)
class Looking:
    status: Status
    sources: Sources
    staleness: Staleness
    feeds: FeedStore
    activity: ActivityLog
    settings: SettingsStore
    daily_backups: DailyBackups
    disk: Callable[[], Awaitable[Finding]]
    """What the doctor finds of the disk."""

    async def look(self, now: datetime, *, awake_from: datetime, begun_at: datetime) -> Sight:
        """`awake_from`: since when the app runs without a break; `begun_at`: what happened before
        is no news. Raises CompanionError where it cannot be seen."""
        settings = self.settings.read()
        board = await self.status.board(activity=0)
        people = board.practitioners
        found = [
            *_of_practitioners(people, now),
            *_of_sources(await self.sources.overview(), self.staleness.late, now),
            *await self._of_disk(now),
            *await self._of_backup(settings, now, begun_at),
            *await self._of_links(settings, now, begun_at),
        ]
        if board.paused_until is None:
            found += self._behind(people, settings, now, awake_from)
        return Sight(
            troubles=tuple(found),
            hidden=frozenset(e.practitioner.id for e in people if e.state == "syncing"),
        )

    def _behind(
        self,
        people: Sequence[PractitionerStatus],
        settings: Settings,
        now: datetime,
        awake_from: datetime,
    ) -> Iterator[Trouble]:
        """Calendars without another trouble, which no pass has kept for too long."""
        limit = timedelta(hours=settings.practice.notices.behind_hours)
        late = {
            each.practitioner.id: last
            for each in people
            if each.enabled
            and each.connected
            and _kind_of(each) is None
            and (last := self.staleness.passed(each.practitioner.id)) is not None
            and now - max(last, awake_from) >= limit
        }
        if not late:
            return
        since = min(late.values())
        one = next(iter(late)) if len(late) == 1 else ""
        have = "The calendar in Google has" if one else f"{len(late)} calendars in Google have"
        offline = any(each.state == "offline" for each in people)
        yield Trouble(
            key=TroubleKind.BEHIND,
            kind=TroubleKind.BEHIND,
            what=f"{have} not been kept up to date since "
            f"{when(since, settings.practice.timezone)}.",
            remedy="Google cannot be reached: check this computer's internet connection."
            if offline
            else "Run the doctor, on the page Doctor.",
            since=since,
            subject=settings.names().get(one, ""),
            page=_OF_EVERYBODY[TroubleKind.BEHIND],
        )

    async def _of_disk(self, now: datetime) -> list[Trouble]:
        disk, kind = await self.disk(), TroubleKind.DISK
        if disk.state == "ok":
            return []
        what, remedy = disk.what, disk.remedy
        return [Trouble(key=kind, kind=kind, what=what, remedy=remedy, since=now, page="Doctor")]

    async def _of_backup(
        self, settings: Settings, now: datetime, begun_at: datetime
    ) -> Iterator[Trouble]:
        daily = await self.daily_backups.standing()
        if daily.on:
            return _failing_backup(daily, now)
        made = await self.activity.recent(1, kind=ActivityKind.BACKUP)
        return _old_backup(settings, made[0].at if made else None, now, begun_at)

    async def _of_links(
        self, settings: Settings, now: datetime, begun_at: datetime
    ) -> list[Trouble]:
        names, zone = settings.names(), settings.practice.timezone
        return [
            Trouble(
                key=f"{TroubleKind.DEVICE}:{each.id}",
                kind=TroubleKind.DEVICE,
                what="A new link for a phone or calendar program was made, "
                f"{when(each.created_at, zone)}.",
                remedy="If nobody in the practice made it, revoke it on the page Phones.",
                since=each.created_at,
                subject=names.get(each.practitioner_id, ""),
                practitioner_id=each.practitioner_id,
                page="Phones",
            )
            for each in await self.feeds.links()
            if each.created_at > max(begun_at, now - _REMEMBERED)
        ]


def _failing_backup(daily: BackupStanding, now: datetime) -> Iterator[Trouble]:
    """Of those that are made by themselves."""
    if daily.what or (daily.old and daily.last):  # the first one may be about to be made
        yield Trouble(
            key=TroubleKind.BACKUP,
            kind=TroubleKind.BACKUP,
            what=daily.what or "The daily backup is late.",
            remedy=daily.remedy or "Leave the computer on at the time set, or make one now.",
            since=daily.last.made_at if daily.last else now,
            page="Backup",
        )


def _old_backup(
    settings: Settings, last: datetime | None, now: datetime, begun_at: datetime
) -> Iterator[Trouble]:
    limit = timedelta(days=settings.practice.notices.backup_days)
    since = last or begun_at
    if not settings.practitioners or now - since < limit:
        return
    yield Trouble(
        key=TroubleKind.BACKUP,
        kind=TroubleKind.BACKUP,
        what=f"The last backup was made on {when(last, settings.practice.timezone)}."
        if last
        else "No backup has been made yet.",
        remedy="Make one on the page Backup, and keep it on another disk.",
        since=since,
        page="Backup",
    )


def _kind_of(each: PractitionerStatus) -> TroubleKind | None:
    return _BY_ACTION.get(each.action) or _KINDS.get(each.state)


def _of_practitioners(people: Sequence[PractitionerStatus], now: datetime) -> Iterator[Trouble]:
    told: set[TroubleKind] = set()
    for each in people:
        kind = _kind_of(each)
        if kind is None or kind in told:
            continue
        everybody = kind in _OF_EVERYBODY
        if everybody:
            told.add(kind)
        yield Trouble(
            key=kind if everybody else f"{kind}:{each.practitioner.id}",
            kind=kind,
            what=each.sentence,
            remedy=each.remedy,
            since=each.since or now,
            subject="" if everybody else each.practitioner.name,
            practitioner_id="" if everybody else each.practitioner.id,
            page=_OF_EVERYBODY.get(kind, "Overview"),
        )


def _of_sources(
    sources: Sequence[SourceStatus], late: Mapping[str, datetime], now: datetime
) -> Iterator[Trouble]:
    for each in sources:
        if not each.automatic:
            continue
        name, waiting = each.settings.name, each.note.waiting
        if waiting:
            count = len(waiting)
            yield Trouble(
                key=f"{TroubleKind.QUESTIONS}:{name}",
                kind=TroubleKind.QUESTIONS,
                what=f"{count} file{' waits' if count == 1 else 's wait'} for an answer ({name}).",
                remedy="Look at what it would do, then answer or import it, on the page Import, "
                "Sources.",
                since=min(file.at for file in waiting),
                page="Import, Sources",
            )
        if each.failing or name in late:
            yield Trouble(
                key=f"{TroubleKind.SOURCE}:{name}",
                kind=TroubleKind.SOURCE,
                what=f"Nothing arrives from {name}."
                if each.failing
                else f"Nothing has come from {name} for longer than usual.",
                remedy="See why on the page Import, Sources; then export again.",
                since=late.get(name) or each.note.trouble_since or now,
                page="Import, Sources",
            )
