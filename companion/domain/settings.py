"""Every setting, typed, in one place; values only, kept by a SettingsStore.

A `Settings` value is a whole snapshot and never changes; a change makes a new one. Times are
aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.availability import WorkingHours
from companion.domain.backup_plan import BackupPlan
from companion.domain.calendar_writers import MARK, CalendarWriter
from companion.domain.disclosure import Disclosure, DisclosureCap
from companion.domain.errors import BadInput, NotFound
from companion.domain.events import EPOCH, EventStyle
from companion.domain.expectations import Expected
from companion.domain.notice_choices import NoticeChoices
from companion.domain.opening_hours import Opening, OpeningHours, opening_hours
from companion.domain.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCreation:
    """A calendar that Google was asked to make, while no connection uses it yet."""

    mark: str
    """Stands in the calendar's description, so that it can be found again."""
    account: str = ""
    """E-mail of the account it was made in; empty where that is not known."""
    begun_at: datetime | None = None
    calendar_id: str = ""
    """Empty until Google has answered."""
    throwaway: bool = False
    """Made by a self-test, to be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleLink:
    """How one practitioner is connected to Google; the tokens are in the SecretStore."""

    login: str = ""
    """The *Google Login* asked for (e-mail), empty for any."""
    account: str = ""
    """The e-mail that really signed in; empty while not connected."""
    calendar_id: str = ""
    calendar_name: str = ""
    created_by_us: bool = False
    calendar_account: str = ""
    """The account that the calendar was used with, also after disconnecting."""
    scopes: tuple[str, ...] = ()
    """As granted."""
    connected_at: datetime | None = None
    ends_at: datetime | None = None
    """When Google ends the sign-in by itself, where it said so: the practice's Google app is in
    "Testing"."""
    delegated: str = ""
    """Client id of the practice's service account that speaks for the account; empty where the
    person signed in."""
    creations: tuple[CalendarCreation, ...] = ()
    """Used or looked for before another calendar is made."""
    made_by: str = ""
    """Client id of the Google client that made the calendar, where we did; the narrow permission
    of another does not reach it."""
    marks: tuple[str, ...] = (MARK,)
    term: int = 1
    """As `CalendarWriter`'s, for this calendar."""

    @property
    def connected(self) -> bool:
        return bool(self.account and self.calendar_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncChoices:
    """One practitioner's choices; the vendor's page, steps 1, 7 and 8."""

    enabled: bool = False
    days_in_arrears: int = 7
    days_in_advance: int = 60
    disclosure: Disclosure = field(default_factory=Disclosure)
    colour: str = ""
    """Google colorId, "" for the calendar's own."""
    type_colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Appointment type, folded, to colorId; the others have `colour`."""
    reminder: int | None = None
    """Minutes before each timed event of which the book says nothing; `NO_REMINDER` for none at
    all, None for the calendar's own."""
    put_back_deleted: bool = True
    """Return events a person deleted in Google (at the next audit), or leave them out."""
    tidy_past: bool = False
    """Delete events that fell behind the window instead of leaving them as history."""

    @property
    def style(self) -> EventStyle:
        return EventStyle(
            colour=self.colour, type_colours=self.type_colours, reminder=self.reminder
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerSettings:
    practitioner: Practitioner
    google: GoogleLink = field(default_factory=GoogleLink)
    choices: SyncChoices = field(default_factory=SyncChoices)
    disclosure_revision: int = 0
    """Raised whenever what is shown may have changed: part of SEQUENCE in feeds."""
    disclosure_changed_at: datetime = EPOCH
    availability: tuple[WorkingHours, ...] = ()
    """In the week's order, as `check_hours` gives it; empty where unknown."""
    setup: tuple[str, ...] = ()
    """Steps of the set-up that succeeded and do not follow from other settings: see
    `companion.services.settings.setup`."""

    @property
    def syncs(self) -> bool:
        """Connected to Google, and switched on."""
        return self.google.connected and self.choices.enabled


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """Where a source is fetched from; its link, key or password is in the SecretStore."""

    kind: str
    """Name of a `SourceKind`, which says what `fields` there are."""
    place: str
    """In a few words without any secret: ``calendar.example``."""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    every: timedelta = timedelta(minutes=15)
    """How often it is fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """An import source: how its files are read and, maybe, the folder it is watched in or the
    place it is fetched from; never both."""

    name: str
    mapping: str = ""
    """TOML text of its mapping; empty for a layout recognised by its headers."""
    snapshot: bool | None = None
    """Files are whole (what is missing was removed) rather than changes only; None where not
    chosen: whole when they have no appointment ids."""
    folder: str = ""
    """Watched folder; empty for none."""
    workstation: str = ""
    """Id of the workstation of a shared practice that sees the folder and watches it; empty for the
    one that keeps the calendars."""
    remote: RemoteSettings | None = None
    guesses: bool = False
    """What its files leave open is taken as the program guesses, where it has a guess."""
    leave_files: bool = False
    """Imported files stay where they are and are listed, instead of being moved to an archive
    folder."""
    expected: Expected = Expected.AUTOMATIC
    """How often a file should come to its folder; where it does not, the schedule is old."""
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """To questions that its files raised, by key; not asked again."""
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Heading of each field in the last file taken in: one that has gone or is called otherwise
    is asked about."""
    statuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Status words met so far, and what each was taken for (``booked``, ``cancelled``)."""

    @property
    def automatic(self) -> bool:
        """Its appointments arrive by themselves."""
        return bool(self.folder or self.remote)

    @property
    def kind(self) -> str:
        """``folder``, the kind of its `remote`, or empty: imported by hand."""
        return self.remote.kind if self.remote else "folder" if self.folder else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeSettings:
    name: str = ""
    timezone: str = "Australia/Sydney"
    cap: DisclosureCap = field(default_factory=DisclosureCap)
    hold_share: float = 0.3
    """Share (0 to 1) of a calendar's upcoming events above which removals in Google are held."""
    hold_at_least: int = 10
    import_hold_share: float = 0.2
    """Share (0 to 1) of a source's upcoming appointments above which an import that removes them
    is held."""
    opening: Opening = field(default_factory=Opening)
    """See `Settings.opening_hours`."""
    stale_days: float | None = 1.0
    """Opening days for which a source or a sync may be late before the calendars say that the
    schedule is old; None: they never do."""
    activity_kept: timedelta = timedelta(days=90)
    idle_sign_out: timedelta = timedelta(minutes=30)
    """A user who is idle for this long is signed out."""
    feeds_allowed: bool = True
    feed_host: str = ""
    """Address printed in feed links; empty for the first address of this machine's network."""
    feed_base_url: str = ""
    """Of a reverse proxy or tunnel, e.g. ``https://cal.example.org``; empty for host and port."""
    feed_proxy: str = ""
    """Address from which that proxy or tunnel asks, e.g. ``127.0.0.1``: what it says about where a
    request came from is believed, and nobody else's word. Empty for none."""
    feed_certificate: str = ""
    """File of the listener's own certificate with its chain (PEM); empty for plain http."""
    feed_key: str = ""
    """File of its private key; empty when the certificate's file holds it too."""
    feed_unused_after: timedelta = timedelta(days=30)
    """A link that has not been fetched for this long is pointed out."""
    user_rate: float = 10.0
    """Google requests per second and signed-in account."""
    project_rate: float = 166.0
    """Google requests per second for the whole practice."""
    notices: NoticeChoices = field(default_factory=NoticeChoices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    install_id: str
    """Random, permanent, in backups too: part of every UID in feeds."""
    restored_as: str = ""
    """Random, made by each restore, and each move into a practice or back: tells who goes on from
    whatever copy of the data is left."""
    practice: PracticeSettings = field(default_factory=PracticeSettings)
    practitioners: Mapping[str, PractitionerSettings] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """By practitioner id, in display order."""
    sources: Mapping[str, SourceSettings] = field(default_factory=lambda: MappingProxyType({}))
    users: Mapping[str, User] = field(default_factory=lambda: MappingProxyType({}))
    """By id, in the order they were added; empty until the welcome made the first."""
    paused_until: datetime | None = None
    """Until when a person has paused the background sync."""
    backups: BackupPlan = field(default_factory=BackupPlan)

    def writer_for(self, link: GoogleLink) -> CalendarWriter:
        """As which this installation writes to the calendar."""
        return CalendarWriter(
            id=self.restored_as or self.install_id, term=link.term, marks=link.marks
        )

    def practitioner(self, wanted: str) -> PractitionerSettings:
        """By id, else by name or alias without regard to case; raises NotFound."""
        if wanted in self.practitioners:
            return self.practitioners[wanted]
        found = [
            each for each in self.practitioners.values() if each.practitioner.matches_name(wanted)
        ]
        if len(found) == 1:
            return found[0]
        known = ", ".join(each.practitioner.name for each in self.practitioners.values())
        what = (
            f'There is no practitioner "{wanted}".'
            if not found
            else f'Several practitioners are called "{wanted}": use the id.'
        )
        remedy = f"Known: {known}." if known else "Add one first, or import an export."
        raise NotFound(what, remedy)

    def pause(self, now: datetime) -> datetime | None:
        """Until when the background sync pauses; None while it works."""
        return self.paused_until if self.paused_until and now < self.paused_until else None

    def opening_hours(self) -> OpeningHours:
        return opening_hours(
            self.practice.opening,
            self.practice.timezone,
            (each.availability for each in self.practitioners.values()),
        )

    def names(self) -> dict[str, str]:
        """By practitioner id."""
        return {key: each.practitioner.name for key, each in self.practitioners.items()}

    def record(self, practitioner_id: str) -> PractitionerSettings:
        """By id alone; raises NotFound for one who was removed meanwhile."""
        record = self.practitioners.get(practitioner_id)
        if record is None:
            raise NotFound("That practitioner does not exist any more.", "Reload the list.")
        return record

    def with_practitioner(self, record: PractitionerSettings) -> Settings:
        everyone = {**self.practitioners, record.practitioner.id: record}
        ordered = sorted(
            everyone.values(),
            key=lambda each: (each.practitioner.display_order, fold_name(each.practitioner.name)),
        )
        return replace(self, practitioners={each.practitioner.id: each for each in ordered})

    def without_practitioner(self, practitioner_id: str) -> Settings:
        rest = {key: each for key, each in self.practitioners.items() if key != practitioner_id}
        return replace(self, practitioners=rest)

    def with_user(self, user: User) -> Settings:
        return replace(self, users={**self.users, user.id: user})

    def without_user(self, user_id: str) -> Settings:
        return replace(self, users={k: each for k, each in self.users.items() if k != user_id})

    def with_source(self, source: SourceSettings) -> Settings:
        return replace(self, sources={**self.sources, source.name: source})

    def with_folders_at(self, workstation: str) -> Settings:
        """As of a home that is moved: that workstation sees its folders. Empty for the way back."""
        return replace(
            self,
            sources={
                name: replace(each, workstation=workstation) if each.folder else each
                for name, each in self.sources.items()
            },
        )

    def disclosure_of(self, record: PractitionerSettings) -> Disclosure:
        """What Google may see for this practitioner: their choice under the practice's cap."""
        return record.choices.disclosure.capped(self.practice.cap)


def check_days(days: int, field_name: str) -> int:
    """Days in arrears or advance: 0 to 730."""
    if not 0 <= days <= 730:
        raise BadInput(
            f"{days} days is out of range.", "Use a number from 0 to 730.", field=field_name
        )
    return days
