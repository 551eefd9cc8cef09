"""The settings as documents: nothing is lost, and a bad value is named."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.settings import pack, unpack
from companion.domain.appointments import Practitioner
from companion.domain.availability import WorkingHours, check_hours
from companion.domain.backup_plan import BackupPlan
from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, Item, KindChoice
from companion.domain.errors import BadInput, StoreTooNew
from companion.domain.expectations import Expected
from companion.domain.keepers import MARK, Keeper
from companion.domain.notice_choices import MailSecurity, MailServer, NoticeChoices
from companion.domain.opening_hours import Closure, Opening
from companion.domain.settings import (
    CalendarCreation,
    GoogleLink,
    Practice,
    PractitionerSettings,
    RemoteSettings,
    Settings,
    SourceSettings,
    SyncChoices,
)
from companion.domain.users import Role, User
from companion.services.settings.documents import (
    VERSION,
    checked,
    from_tables,
    migrate,
    to_tables,
)

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
    items=st.frozensets(st.sampled_from(Item)),
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
    Practice,
    name=texts,
    timezone=zones,
    cap=st.builds(
        DisclosureCap,
        items=st.frozensets(st.sampled_from(Item)),
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


@given(everything)
def test_any_settings_read_back_as_they_were_written(settings: Settings) -> None:
    tables = to_tables(settings)
    through_the_file = unpack(pack({name: {"rows": rows} for name, rows in tables.items()}))
    assert through_the_file is not None
    again = from_tables({name: table["rows"] for name, table in through_the_file.items()})
    assert again == settings
    assert list(again.practitioners) == list(settings.practitioners)


def test_every_field_of_a_record_is_written() -> None:
    tables = to_tables(sample())
    assert set(tables["practice"][0]) == {each.name for each in fields(Practice)}
    person = tables["practitioners"][0]
    assert set(person) == {each.name for each in fields(PractitionerSettings)}
    assert set(person["choices"]) == {each.name for each in fields(SyncChoices)}


def test_a_field_that_an_older_file_lacks_takes_its_default() -> None:
    tables = to_tables(sample())
    del tables["practitioners"][0]["choices"]["tidy_past"]
    del tables["practice"][0]["cap"]
    assert from_tables(tables) == sample()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("practitioners", 0, "choices", "days_in_arrears"), 731, "days_in_arrears"),
        (("practitioners", 0, "choices", "days_in_arrears"), "7", "days_in_arrears"),
        (("practitioners", 0, "choices", "days_in_arrears"), True, "days_in_arrears"),
        (("practitioners", 0, "choices", "days_in_arrears"), 7.5, "days_in_arrears"),
        (("practitioners", 0, "choices", "enabled"), 1, "enabled"),
        (("practitioners", 0, "choices", "colour"), "mauve", "colour"),
        (("practitioners", 0, "choices", "disclosure"), [], "disclosure"),
        (("practitioners", 0, "choices", "disclosure", "kinds"), [], "kinds"),
        (("practitioners", 0, "choices", "disclosure", "kinds"), ["nobody"], "kinds[0]"),
        (("practitioners", 0, "choices", "disclosure", "items"), "type", "items"),
        (("practitioners", 0, "choices", "disclosure", "client_name"), "all", "client_name"),
        (("practitioners", 0, "practitioner", "timezone"), "Sydney", "timezone"),
        (("practitioners", 0, "practitioner", "name"), "", "name"),
        (("practitioners", 0, "practitioner", "name"), None, "name"),
        (("practitioners", 0, "practitioner", "id"), "Anna Lee", "id"),
        (("practitioners", 0, "disclosure_changed_at"), "yesterday", "disclosure_changed_at"),
        (("practitioners", 0, "disclosure_changed_at"), "2026-01-01", "disclosure_changed_at"),
        (("practice", 0, "hold_share"), float("nan"), "hold_share"),
        (("practice", 0, "hold_share"), 30, "hold_share"),
        (("practice", 0, "stale_days"), 1e300, "stale_days"),
        (("practice", 0, "stale_days"), 0, "stale_days"),
        (("practice", 0, "opening", "days"), [7], "opening"),
        (("practice", 0, "opening", "opens"), "08:00", "opening"),
        (
            ("practice", 0, "opening", "closures"),
            [{"first": "2026-02-30", "last": "2026-03-01"}],
            "closures[0].first",
        ),
        (
            ("practice", 0, "opening", "closures"),
            [{"first": "2026-03-02", "last": "2026-03-01"}],
            "opening",
        ),
        (("sources", 0, "expected"), "hourly", "expected"),
        (("practice", 0, "feed_base_url"), "javascript:alert(1)", "feed_base_url"),
        (("practice", 0, "colour_of_the_door"), "red", "practice.colour_of_the_door"),
        (("home", 0, "install_id"), "", "home.install_id"),
        (("home", 0, "version"), "1", "home.version"),
        (("home", 0, "owner"), "x", "home.owner"),
        (("guests",), [], "guests"),
        (("practice",), [], "practice"),
    ],
)
def test_a_bad_value_is_named_by_its_path(path: tuple[Any, ...], value: object, named: str) -> None:
    tables: Any = to_tables(sample())
    place = tables
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(BadInput) as caught:
        from_tables(tables)
    assert caught.value.field.endswith(named)


def test_a_missing_necessary_value_is_named() -> None:
    tables = to_tables(sample())
    del tables["practitioners"][0]["practitioner"]["name"]
    with pytest.raises(BadInput) as caught:
        from_tables(tables)
    assert caught.value.field == "practitioners.anna-lee.practitioner.name"


def test_a_practitioner_who_is_there_twice_is_refused() -> None:
    tables = to_tables(sample())
    tables["practitioners"].append(tables["practitioners"][0])
    with pytest.raises(BadInput, match="twice"):
        from_tables(tables)


def test_what_would_not_read_back_is_never_written() -> None:
    naive = replace(
        sample().practitioners["anna-lee"],
        disclosure_changed_at=datetime(2026, 3, 2, 9, 30, 15),  # noqa: DTZ001 - the mistake itself
    )
    with pytest.raises(BadInput):
        checked(sample().with_practitioner(naive))


def test_a_newer_version_is_refused_before_anything_else_is_looked_at() -> None:
    with pytest.raises(StoreTooNew):
        from_tables({"home": [{"version": VERSION + 1, "shape": "unknown"}], "rooms": [{}]})


def test_migrations_run_in_order_up_to_our_version() -> None:
    def second(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        return {**tables, "practice": [{"title": tables["practice"][0]["name"]}]}

    def third(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        return {**tables, "practice": [{"name": tables["practice"][0]["title"].upper()}]}

    old: dict[str, list[dict[str, Any]]] = {
        "home": [{"version": 1}],
        "practice": [{"name": "harbour"}],
    }
    new = migrate(old, {1: second, 2: third}, 3)
    assert new == {"home": [{"version": 3}], "practice": [{"name": "HARBOUR"}]}


MONDAYS = WorkingHours(weekday=0, start=time(8, 30), end=time(17), location="Room 1")


def test_a_file_of_before_availability_is_read_as_nothing_said() -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 1
    del tables["practitioners"][0]["availability"]
    assert from_tables(tables).practitioners["anna-lee"].availability == ()


def test_the_mark_of_a_calendar_under_creation_is_taken_over_from_version_5() -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 5
    link = tables["practitioners"][0]["google"]
    del link["creations"]
    link["creating"] = "companion-2"
    read = from_tables(tables).practitioners["anna-lee"].google
    assert read.creations == (CalendarCreation(mark="companion-2"),)


@pytest.mark.parametrize(("host", "folder"), [("calendar.example", ""), ("", "C:\\exports")])
def test_a_link_of_version_13_is_a_place_that_is_fetched(host: str, folder: str) -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 13
    source = tables["sources"][0]
    del source["remote"]
    source |= {"link_host": host, "every": 3600.0, "folder": folder}
    read = from_tables(tables).sources["bp"]
    link = RemoteSettings(kind="link", place=host, every=timedelta(hours=1))
    assert (read.remote, read.folder) == (link if host else None, folder)


@pytest.mark.parametrize(
    ("calendar_id", "marks"), [("a@calendar", ("0123456789abcdef",)), ("", (MARK,))]
)
def test_events_of_version_9_keep_the_mark_of_their_installation(
    calendar_id: str, marks: tuple[str, ...]
) -> None:
    tables = to_tables(sample())
    tables["home"][0] = {"version": 9, "install_id": "0123456789abcdef"}
    link = tables["practitioners"][0]["google"]
    del link["marks"], link["term"], link["made_by"]
    link["calendar_id"] = calendar_id
    read = from_tables(tables)
    link = read.practitioners["anna-lee"].google
    assert read.keeper_of(link) == Keeper(writer="0123456789abcdef", marks=marks)


@pytest.mark.parametrize(
    ("hours", "days"), [(24, 1.0), (36, 1.5), (1, 0.1), (8760, 365.0), (24 * 3660, 365.0)]
)
def test_hours_until_the_notice_become_opening_days_from_version_6(hours: int, days: float) -> None:
    tables = to_tables(sample())
    tables["home"][0]["version"] = 6
    practice = tables["practice"][0]
    del practice["opening"], practice["stale_days"], tables["sources"][0]["expected"]
    practice["stale_after"] = float(hours * 3600)
    read = from_tables(tables)
    assert read.practice.stale_days == days
    assert read.practice.opening == Opening()
    assert read.sources["bp"].expected is Expected.AUTOMATIC


@pytest.mark.parametrize(
    ("key", "value"),
    [("start", "8:30"), ("start", "08:30:15"), ("start", "18:00"), ("weekday", 7), ("end", 17)],
)
def test_working_hours_that_cannot_be_are_refused_by_name(key: str, value: object) -> None:
    tables = to_tables(sample())
    tables["practitioners"][0]["availability"][0][key] = value
    with pytest.raises(BadInput) as caught:
        from_tables(tables)
    assert caught.value.field.startswith("practitioners.anna-lee.availability")


def test_adding_a_setting_raises_the_version() -> None:
    """Whoever changes this list raises VERSION (and adds a migration where a key changed its
    meaning), or an older program would refuse the file with a worse sentence."""
    assert VERSION == 16
    assert keys_of(to_tables(sample())) == {
        path: set(keys.split()) for path, keys in KEYS_OF_VERSION_16.items()
    }


def keys_of(value: dict[str, Any], path: str = "") -> dict[str, set[str]]:
    found = {path: set(value)}
    for key, inner in value.items():
        below = inner[0] if isinstance(inner, list) and inner else inner
        if isinstance(below, dict):
            found |= keys_of(below, f"{path}.{key}".strip("."))
    return found


KEYS_OF_VERSION_16 = {
    "": "home practice practitioners sources users",
    "home": "version install_id restored_as paused_until backups",
    "home.backups": "folder at other_disk sign_ins",
    "practice": "name timezone cap hold_share hold_at_least import_hold_share opening "
    "stale_days activity_kept idle_sign_out feeds_allowed feed_host feed_base_url feed_proxy "
    "feed_certificate feed_key feed_unused_after user_rate project_rate notices",
    "practice.cap": "items client_name masked_types",
    "practice.opening": "days opens closes closures",
    "practice.opening.closures": "first last",
    "practice.notices": "desktop mail server administrators reception practitioners quiet_from "
    "quiet_to webhook behind_hours backup_days",
    "practice.notices.server": "host port security login sender",
    "practitioners": "practitioner google choices disclosure_revision disclosure_changed_at "
    "availability setup",
    "practitioners.availability": "weekday start end location",
    "practitioners.practitioner": "id name email timezone colour display_order aliases",
    "practitioners.google": "login account calendar_id calendar_name created_by_us "
    "calendar_account scopes "
    "connected_at ends_at delegated creations made_by marks term",
    "practitioners.google.creations": "mark account begun_at calendar_id throwaway",
    "practitioners.choices": "enabled days_in_arrears days_in_advance disclosure colour "
    "type_colours reminder put_back_deleted tidy_past",
    "practitioners.choices.type_colours": "",
    "practitioners.choices.disclosure": "kinds items client_name masked_types left_out_types "
    "busy_only",
    "sources": "name mapping snapshot folder remote guesses leave_files expected answers "
    "columns statuses",
    "sources.remote": "kind place fields every",
    "sources.remote.fields": "contact",
    "sources.answers": "status:DNA",
    "sources.columns": "",
    "sources.statuses": "",
    "users": "id name role practitioner_id password epoch must_change",
}


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
        practice=Practice(
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


def test_the_file_is_plain_json_a_person_can_read() -> None:
    packed = pack({"practice": {"1": {"name": "Zahnärzte am Hafen"}}})
    assert json.loads(packed)["tables"]["practice"]["1"]["name"] == "Zahnärzte am Hafen"
    assert "Zahnärzte".encode() in packed
