"""FetchedSources: sources that are fetched, for people: added, tried, fetched now.

Adding one goes in three steps: `sample` shows its first rows, `trial` fetches all of it once, and
what `preview` then shows is imported by `subscribe`, which goes on from there. A secret is sealed
when the source is kept, and given back to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from companion.domain.appointments import instant, wall_time
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.domain.settings import RemoteSettings, Settings, SourceSettings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.imports.drafts import Draft
from companion.services.imports.importing import Importing, ImportPreview, ImportReport
from companion.services.imports.layout_choice import source_name
from companion.services.imports.mappings import check_mapping
from companion.services.imports.questions import Answers
from companion.services.imports.reading.asking import EVERYBODY
from companion.services.ports import SettingsStore
from companion.services.sources.fetching import Fetching, FetchOutcome, check_filled, is_whole
from companion.services.sources.notes import SourceNotes
from companion.services.sources.one_fetch import UnderWay
from companion.services.sources.remote import (
    FetchAnswer,
    RemoteSource,
    RemoteSources,
    SourceKind,
    SourcePlace,
)
from companion.services.sources.sources import read_anew, with_wishes
from companion.services.workbooks import Cell, WorkbookReader

LONGEST_EVERY = timedelta(days=7)
SAMPLE = 10
SHOWN = 5
_OF_PEOPLE = frozenset({"practitioner", "same", "status"})
"""Kinds of questions whose answer changes no time and no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedPlace:
    """A place as somebody typed it; `secret` is empty where the one that is kept counts."""

    kind: str
    secret: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All that a place gives, fetched once and not yet a source's."""

    source: SourceSettings
    """As it would be kept."""
    wanted: TypedPlace
    answer: FetchAnswer
    files: AsyncExitStack

    @property
    def place(self) -> str:
        return self.source.remote.place if self.source.remote else ""

    async def close(self) -> None:
        """Its private file goes."""
        await self.files.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAppointment:
    """A row as it is understood. It names a client: for pages only."""

    start: datetime
    end: datetime
    """Wall time of the practice."""
    all_day: bool
    practitioner: str
    """As the place spells it; empty where its rows name nobody."""
    client: str
    what: str
    """Title or type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    place: str
    rows: Sequence[Sequence[Cell]]
    """The headings first, then at most ten."""
    appointments: Sequence[SampleAppointment] = ()
    """The first of them, where nothing has to be asked to read them."""


class FetchedSources:
    def __init__(
        self,
        *,
        settings: SettingsStore,
        notes: SourceNotes,
        remotes: RemoteSources,
        fetching: Fetching,
        importing: Importing,
        reader: WorkbookReader,
    ) -> None:
        self._settings = settings
        self._notes = notes
        self._remotes = remotes
        self._fetching = fetching
        self._importing = importing
        self._reader = reader

    @allows(Action.IMPORT)
    def kinds(self) -> tuple[SourceKind, ...]:
        return tuple(each.kind for each in self._remotes.values())

    @allows(Action.IMPORT)
    def under_way(self) -> Mapping[str, UnderWay]:
        """By source: how far its fetch has come."""
        return self._fetching.under_way

    @allows(Action.PRACTICE)
    async def add(
        self,
        name: str,
        wanted: TypedPlace,
        *,
        every: timedelta | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        answers: Answers | None = None,
        guesses: bool | None = None,
    ) -> SourceSettings:
        """Fetch `name` from there, instead of watching a folder; what is None stays as it was, and
        so does a secret that is empty. What it gives is whole unless somebody says otherwise.
        Raises BadInput, SecretsError."""
        source, place = await self._as_kept(name, wanted, every)
        if mapping is not None:
            check_mapping(mapping)
        await self._fetching.keep(source.name, place.secret)

        def edit(settings: Settings) -> Settings:
            before = settings.sources.get(source.name) or SourceSettings(name=source.name)
            return settings.with_source(
                replace(
                    with_wishes(before, mapping, answers, guesses),
                    folder="",
                    workstation="",
                    remote=source.remote,
                    columns=before.columns if before.kind == source.kind else {},
                    snapshot=source.snapshot if snapshot is None else snapshot,
                )
            )

        after = await self._settings.change(edit)
        await self._notes.change(source.name, read_anew)
        return after.sources[source.name]

    @allows(Action.PRACTICE)
    def checked(self, name: str, wanted: TypedPlace) -> str:
        """The place in words, for a secret that was typed. Asks no network. Raises BadInput."""
        source_name(name)
        remote = self._remote(wanted.kind)
        return remote.check(filled(remote.kind, wanted.fields), wanted.secret).place

    @allows(Action.PRACTICE)
    async def sample(self, name: str, wanted: TypedPlace) -> Sample:
        """Its first rows; nothing is kept. Raises BadInput, SourceUnreachable."""
        _source, place = await self._as_kept(name, wanted, None)
        remote = self._remote(wanted.kind)
        async with self._fetching.asked(remote, place, most=SAMPLE) as answer:
            if answer.file is None:
                raise _nothing(place.place)
            workbook = await self._reader.read(answer.file)
            understood = await self._understood(answer.file, name)
        rows = [row.cells for sheet in workbook.sheets for row in sheet.rows]
        return Sample(place=place.place, rows=rows[: SAMPLE + 1], appointments=understood)

    async def _understood(self, file: Path, name: str) -> tuple[SampleAppointment, ...]:
        """Nothing where the rows cannot be read, or only as somebody says."""
        try:
            preview = await self._importing.preview(file, source=name, snapshot=False)
        except BadInput:
            return ()
        if any(each.kind not in _OF_PEOPLE for each in preview.open):
            return ()
        timezone = self._settings.read().practice.timezone
        return tuple(_understood(each, timezone) for each in preview.content.drafts[:SHOWN])

    @allows(Action.PRACTICE)
    async def trial(
        self,
        name: str,
        wanted: TypedPlace,
        *,
        every: timedelta | None = None,
        going: UnderWay | None = None,
    ) -> Trial:
        """All that it gives, to be looked at and then closed. `going`: how far it has come, and to
        stop it. Raises BadInput, SourceUnreachable, Stopped."""
        source, place = await self._as_kept(name, wanted, every)
        async with AsyncExitStack() as files:
            fetch = self._fetching.asked(self._remote(wanted.kind), place, going=going)
            answer = await files.enter_async_context(fetch)
            if answer.file is None:
                raise _nothing(place.place)
            kept = replace(wanted, secret=place.secret)
            return Trial(source=source, wanted=kept, answer=answer, files=files.pop_all())
        raise AssertionError  # mypy: the stack swallows no error

    @allows(Action.PRACTICE)
    async def preview(
        self, trial: Trial, *, answers: Answers | None = None, mapping: str | None = None
    ) -> ImportPreview:
        """What it would bring. Raises BadInput, SourceUnreachable."""
        assert trial.answer.file is not None  # noqa: S101 - by `trial`
        preview = await self._importing.preview(
            trial.answer.file,
            source=trial.source.name,
            mapping=mapping,
            snapshot=is_whole(trial.source, trial.answer),
            file_name=trial.place,
            answers=answers,
        )
        check_filled(preview, trial.place)
        return preview

    @allows(Action.PRACTICE)
    async def subscribe(
        self,
        trial: Trial,
        preview: ImportPreview,
        *,
        answers: Answers,
        every: timedelta | None = None,
        mapping: str | None = None,
        release: bool = False,
        cause: str = "import",
    ) -> ImportReport:
        """Import what a preview of it has shown, and fetch it from now on, unless that is held.
        `every`: None for as often as the trial said."""
        report = await self._importing.apply(preview, answers=answers, release=release, cause=cause)
        if not report.held:
            assert trial.source.remote is not None  # noqa: S101 - by `trial`
            every = every or trial.source.remote.every
            source = await self.add(preview.source, trial.wanted, every=every, mapping=mapping)
            await self._fetching.taken(source, report, trial.answer)
        return report

    @allows(Action.IMPORT)
    async def sync(
        self, name: str, *, answers: Answers | None = None, yes: bool = False, by: str = "command"
    ) -> FetchOutcome:
        """Fetch it now. `by`: who wishes it. Raises BadInput for one that is not fetched."""
        source = self._settings.read().sources.get(name)
        if source is None or source.remote is None:
            raise BadInput(
                f"{name} is not fetched from anywhere.",
                "A watched folder is looked at by itself while the app runs.",
                field="source",
            )
        return await self._fetching.fetch(source.name, answers, yes=yes, asked_by=by)

    @allows(Action.IMPORT)
    def stop_fetching(self, name: str) -> None:
        """Break off the fetch under way; the next comes at its time."""
        self._fetching.stop(name)

    async def _as_kept(
        self, name: str, wanted: TypedPlace, every: timedelta | None
    ) -> tuple[SourceSettings, SourcePlace]:
        wanted_name = source_name(name)
        remote = self._remote(wanted.kind)
        before = self._settings.read().sources.get(wanted_name) or SourceSettings(name=wanted_name)
        known = before.remote if before.kind == wanted.kind else None
        secret = wanted.secret
        if not secret.strip() and known is not None:
            secret = await self._fetching.secret_of(before)
        kind = remote.kind
        fields = filled(kind, {**(known.fields if known else {}), **wanted.fields})
        if kind.secret.required and not secret.strip():
            raise BadInput(f"{kind.secret.label} is missing.", kind.secret.hint, field="secret")
        place = remote.check(fields, secret)
        usual = known.every if known else kind.every
        chosen = usual if every is None else every
        if not kind.soonest <= chosen <= LONGEST_EVERY:
            soonest = round(kind.soonest / timedelta(minutes=1))
            minutes = "minute" if soonest == 1 else f"{soonest} minutes"
            raise BadInput(f"Fetch it every {minutes} to every 7 days.", field="every")
        kept = RemoteSettings(
            kind=kind.name, place=place.place, fields=dict(place.fields), every=chosen
        )
        whole = True if before.snapshot is None else before.snapshot
        return replace(before, folder="", workstation="", remote=kept, snapshot=whole), place

    def _remote(self, kind: str) -> RemoteSource:
        if kind not in self._remotes:
            known = ", ".join(self._remotes)
            raise BadInput(
                f"Nothing is fetched from “{kind[:40]}”.", f"Known: {known}.", field="kind"
            )
        return self._remotes[kind]


def filled(kind: SourceKind, typed: Mapping[str, str]) -> dict[str, str]:
    """All fields of the kind, trimmed, those left empty as usual. Raises BadInput."""
    known = {each.name: each for each in kind.fields}
    if unknown := sorted(typed.keys() - known.keys()):
        listed = ", ".join(known) or "none"
        raise BadInput(
            f"{kind.title} has no “{unknown[0][:40]}”.", f"Known: {listed}.", field="field"
        )
    found = {}
    for name, each in known.items():
        value = typed.get(name, "").strip() or each.default
        if each.required and not value:
            raise BadInput(f"{each.label} is missing.", each.hint or "Type it.", field=name)
        if value and each.choices and value not in each.choices:
            raise BadInput(
                f"“{value[:40]}” is no choice for {each.label}.",
                f"Choose {', '.join(each.choices)}.",
                field=name,
            )
        found[name] = value
    return found


def _understood(draft: Draft, timezone: str) -> SampleAppointment:
    it = draft.appointment
    start, end = it.start, it.end
    if it.timezone and not it.all_day:
        start, end = (wall_time(instant(each, it.timezone), timezone) for each in (start, end))
    return SampleAppointment(
        start=start,
        end=end,
        all_day=it.all_day,
        practitioner="" if draft.name == EVERYBODY else draft.name,
        client=it.client_name,
        what=it.title or it.appointment_type or it.kind.value.capitalize(),
    )


def _nothing(place: str) -> SourceUnreachable:
    return SourceUnreachable(
        f"{place} gave nothing.",
        "Look in the practice software whether it is shared.",
        reason=SourceTrouble.EMPTY,
    )
