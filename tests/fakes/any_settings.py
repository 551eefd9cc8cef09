"""Settings of every kind, for hypothesis; each field takes other values than its default."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from companion.domain.appointments import Practitioner
from companion.domain.availability import WorkingHours, check_hours
from companion.domain.backup_plan import BackupPlan
from companion.domain.disclosure import (
    ClientName,
    Disclosure,
    DisclosureCap,
    DisclosureItem,
    KindChoice,
)
from companion.domain.notice_choices import MailSecurity, MailServer, NoticeChoices
from companion.domain.opening_hours import Closure, Opening
from companion.domain.settings import (
    CalendarCreation,
    GoogleLink,
    PracticeSettings,
    PractitionerSettings,
    RemoteSettings,
    Settings,
    SourceSettings,
    SyncChoices,
)
from companion.domain.users import Role, User

zones = st.sampled_from(["Australia/Sydney", "Pacific/Auckland", "UTC", "Asia/Kathmandu"])
texts = st.text(max_size=40)
words = st.text("abcdefghijklmnop éßœ", min_size=1, max_size=20).filter(
    lambda each: each == " ".join(each.split())
)
moments = st.timedeltas(timedelta(0), timedelta(days=50_000)).map(
    lambda since: datetime(2000, 1, 1, tzinfo=UTC) + since
)
types = st.frozensets(words.map(str.casefold), max_size=3)
disclosures = st.builds(
    Disclosure,
    kinds=st.frozensets(st.sampled_from(KindChoice), min_size=1),
    items=st.frozensets(st.sampled_from(DisclosureItem)),
    client_name=st.sampled_from(ClientName),
    masked_types=types,
    busy_only=st.booleans(),
)
links = st.builds(
    GoogleLink,
    login=texts,
    account=texts,
    calendar_id=texts,
    calendar_name=texts,
    created_by_us=st.booleans(),
    scopes=st.lists(texts, max_size=3).map(tuple),
    connected_at=st.none() | moments,
    ends_at=st.none() | moments,
    creations=st.lists(
        st.builds(
            CalendarCreation,
            mark=texts,
            account=texts,
            begun_at=st.none() | moments,
            calendar_id=texts,
        ),
        max_size=2,
    ).map(tuple),
)
choices = st.builds(
    SyncChoices,
    enabled=st.booleans(),
    days_in_arrears=st.integers(0, 730),
    days_in_advance=st.integers(0, 730),
    disclosure=disclosures,
    colour=st.sampled_from(["", "1", "11"]),
    put_back_deleted=st.booleans(),
    tidy_past=st.booleans(),
)
hours = st.lists(
    st.builds(
        WorkingHours,
        weekday=st.integers(0, 6),
        start=st.sampled_from([time(7), time(8, 30)]),
        end=st.sampled_from([time(12), time(23, 59)]),
        location=texts,
    ),
    max_size=7,
    unique_by=lambda each: each.weekday,
).map(check_hours)
people = st.builds(
    PractitionerSettings,
    practitioner=st.builds(
        Practitioner,
        id=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True),
        name=words,
        email=texts,
        timezone=zones,
        colour=st.sampled_from(["", "#00aaff"]),
        display_order=st.integers(-5, 500),
        aliases=st.lists(texts, max_size=3).map(tuple),
    ),
    google=links,
    choices=choices,
    disclosure_revision=st.integers(0, 10**9),
    disclosure_changed_at=moments,
    availability=hours,
    setup=st.lists(texts, max_size=3).map(tuple),
)
openings = st.builds(
    Opening,
    days=st.frozensets(st.integers(0, 6)),
    closures=st.dates(date(2026, 1, 1), date(2030, 1, 1)).map(
        lambda first: (Closure(first=first, last=first + timedelta(days=3)),)
    ),
) | st.just(Opening(opens=time(8, 30), closes=time(17)))
mailboxes = st.sampled_from([(), ("a@clinic.example",), ("a@clinic.example", "B@clinic.example")])
quiet_times = st.sampled_from([(None, None), (time(19), time(7)), (time(12, 30), time(13))])
notices = st.builds(
    lambda quiet, **others: NoticeChoices(quiet_from=quiet[0], quiet_to=quiet[1], **others),
    quiet=quiet_times,
    desktop=st.booleans(),
    mail=st.just(False),
    server=st.builds(
        MailServer,
        host=st.sampled_from(["", "mail.clinic.example"]),
        port=st.integers(1, 65_535),
        security=st.sampled_from(MailSecurity),
        login=words,
        sender=st.sampled_from(["", "office@clinic.example"]),
    ),
    administrators=mailboxes,
    reception=mailboxes,
    practitioners=st.booleans(),
    webhook=st.sampled_from(["", "hooks.clinic.example"]),
    behind_hours=st.floats(1, 240),
    backup_days=st.floats(1, 365),
)
practices = st.builds(
    PracticeSettings,
    name=texts,
    timezone=zones,
    cap=st.builds(
        DisclosureCap,
        items=st.frozensets(st.sampled_from(DisclosureItem)),
        client_name=st.sampled_from(ClientName),
        masked_types=types,
    ),
    hold_share=st.floats(0, 1),
    hold_at_least=st.integers(0, 1000),
    import_hold_share=st.floats(0, 1),
    opening=openings,
    stale_days=st.none() | st.floats(0.1, 365),
    activity_kept=st.timedeltas(timedelta(minutes=1), timedelta(days=3660)),
    idle_sign_out=st.timedeltas(timedelta(minutes=1), timedelta(days=3660)),
    feeds_allowed=st.booleans(),
    feed_host=st.sampled_from(["", "192.168.1.20", "cal.example.org", "fe80::1"]),
    feed_base_url=st.sampled_from(["", "https://cal.example.org", "http://[fe80::1]:8090/x"]),
    feed_proxy=st.sampled_from(["", "127.0.0.1", "fe80::1"]),
    feed_certificate=st.sampled_from(["", "/etc/ssl/cal.pem", "C:\\certificates\\cal 1.pem"]),
    feed_key=st.sampled_from(["", "/etc/ssl/cal.key"]),
    feed_unused_after=st.timedeltas(timedelta(days=1), timedelta(days=3660)),
    user_rate=st.floats(0.1, 1000),
    project_rate=st.floats(0.1, 10_000),
    notices=notices,
)
sources = st.builds(
    SourceSettings,
    name=words,
    mapping=texts,
    snapshot=st.none() | st.booleans(),
    folder=texts,
    remote=st.none()
    | st.builds(
        RemoteSettings,
        kind=st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        place=texts,
        fields=st.dictionaries(words, texts, max_size=3),
        every=st.integers(1, 10_000).map(lambda minutes: timedelta(minutes=minutes)),
    ),
    leave_files=st.booleans(),
    answers=st.dictionaries(words, words, max_size=3),
    columns=st.dictionaries(words, texts, max_size=3),
)
users = st.builds(
    User,
    id=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    name=words,
    role=st.sampled_from(Role),
    practitioner_id=texts,
    password=texts,
    epoch=st.integers(0, 10**9),
    must_change=st.booleans(),
)
plans = st.builds(
    BackupPlan,
    folder=st.sampled_from(["", "/media/backup disk", "\\\\server\\share\\Companion"]),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    other_disk=st.booleans(),
    sign_ins=st.booleans(),
)
everything = st.builds(
    Settings,
    install_id=st.text(min_size=1, max_size=20),
    backups=plans,
    practice=practices,
    practitioners=st.lists(people, max_size=4).map(
        lambda found: {each.practitioner.id: each for each in found}
    ),
    sources=st.lists(sources, max_size=3).map(lambda found: {each.name: each for each in found}),
    users=st.lists(users, max_size=3).map(lambda found: {each.id: each for each in found}),
)

MONDAYS = WorkingHours(weekday=0, start=time(8, 30), end=time(17), location="Room 1")


def sample() -> Settings:
    anna = Practitioner(id="anna-lee", name="Anna Lee")
    return Settings(
        install_id="0123456789abcdef",
        practitioners={
            "anna-lee": PractitionerSettings(
                practitioner=anna,
                availability=(MONDAYS,),
                google=GoogleLink(creations=(CalendarCreation(mark="companion-1"),)),
            )
        },
        practice=PracticeSettings(
            opening=Opening(closures=(Closure(first=date(2026, 12, 25), last=date(2026, 12, 25)),))
        ),
        sources={
            "bp": SourceSettings(
                name="bp",
                answers={"status:DNA": "cancelled"},
                remote=RemoteSettings(kind="cliniko", place="Cliniko", fields={"contact": "a@b"}),
            )
        },
        users={"desk": User(id="desk", name="Front desk", role=Role.RECEPTION)},
    )
