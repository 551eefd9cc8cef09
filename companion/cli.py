"""The commands. Thin: each opens the house, calls a service and prints what it answered.

Exit codes: 0 done · 1 something failed (what and what to do, on standard error) · 2 wrong usage ·
3 held for a person's confirmation · 130 interrupted, nothing lost.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer

import companion
from companion.domain.errors import BadInput, CompanionError

if TYPE_CHECKING:
    from companion.main import House
    from companion.services.passes import PassResult
    from companion.services.ports import FeedLink

T = TypeVar("T")
DONE, FAILED, USAGE, HELD, INTERRUPTED = 0, 1, 2, 3, 130
EXPORT_YEARS = (1970, 2200)

app = typer.Typer(
    name="companion",
    help="Keeps each practitioner's Google Calendar and phone feed equal to the appointment book.",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
people = typer.Typer(help="The people whose calendars are kept.", no_args_is_help=True)
google = typer.Typer(help="Signing in to Google.", no_args_is_help=True)
feeds = typer.Typer(help="Subscribable links for phones, one per device.", no_args_is_help=True)
app.add_typer(people, name="practitioners")
app.add_typer(google, name="google")
app.add_typer(feeds, name="feeds")
sources = typer.Typer(help="Where appointments come from: watched folders.", no_args_is_help=True)
app.add_typer(sources, name="sources")
settings_file = typer.Typer(help="All settings as a file, without secrets.", no_args_is_help=True)
app.add_typer(settings_file, name="settings-file")
users = typer.Typer(help="Who may sign in to the app on this computer.", no_args_is_help=True)
app.add_typer(users, name="users")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Who = Annotated[str, typer.Argument(metavar="PRACTITIONER", help="Name or id.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the app on this computer.")]
FeedHost = Annotated[str, typer.Option(help="Address the listener for phones uses.")]
FeedPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of the listener for phones.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]


def run() -> None:
    """Entry point of `run.py` and of the `companion` script; without a command it serves."""
    arguments = sys.argv[1:]
    alone = not arguments or (
        arguments[0].startswith("-") and arguments[0] not in {"--help", "--version"}
    )
    for stream in (sys.stdout, sys.stderr):  # names in any script, also on a cp1252 console
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app(args=["serve", *arguments] if alone else _optional_name(arguments))
    except KeyboardInterrupt:
        sys.exit(_interrupted())
    except SystemExit as end:
        # Typer ends wrong usage itself, having told people but not scripts, and an early Ctrl-C.
        cause = end.__context__
        if "--json" in arguments and isinstance(cause, typer.TyperException):
            _usage_document(str(cause))
        if cause is not None and isinstance(cause.__cause__, KeyboardInterrupt):
            _interrupted()
        raise


def _usage_document(what: str) -> None:
    from companion.printing import as_json

    remedy = "The same command with --help shows what it takes."
    as_json({"error": {"kind": "WrongUsage", "what": what, "remedy": remedy}})


def _optional_name(arguments: Sequence[str]) -> list[str]:
    """``--new-calendar [NAME]``: Typer has no options with an optional value."""
    completed: list[str] = []
    for index, argument in enumerate(arguments):
        completed.append(argument)
        following = arguments[index + 1 : index + 2]
        if argument == "--new-calendar" and (not following or following[0].startswith("-")):
            completed.append("")
    return completed


def _interrupted() -> int:
    from companion.printing import err

    err.print("Interrupted. Nothing is lost: the next run goes on from here.")
    return INTERRUPTED


def _do(
    work: Callable[[House], Awaitable[int | None]], *, json: bool = False, who: str = ""
) -> None:
    """Open the house, do the work, leave with its exit code; errors become sentences."""
    from companion.main import Environment, open_companion
    from companion.printing import as_json, error_json, trouble

    async def inside() -> int:
        async with open_companion(Environment.of_process(), holder=who or "a command") as house:
            return await work(house) or DONE

    try:
        code = asyncio.run(inside())
    except KeyboardInterrupt:
        code = _interrupted()
    except CompanionError as error:
        if json:
            as_json({"error": error_json(error)})
        trouble(error)
        code = USAGE if isinstance(error, BadInput) and error.field == "usage" else FAILED
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        code = _stumbled(error, json=json)
    raise typer.Exit(code)


def _stumbled(error: Exception, *, json: bool = False) -> int:
    """A mistake of ours: a sentence here, the place in the log."""
    from companion.main import note_mistake
    from companion.printing import as_json, error_json, trouble

    shown = note_mistake(error)
    if json:
        as_json({"error": error_json(shown)})
    trouble(shown)
    return FAILED


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"Calendar Companion {companion.__version__}\n")
        raise typer.Exit


@app.command()
def serve(
    port: Port = 8080,
    feed_host: FeedHost = "0.0.0.0",  # noqa: S104 - phones in the clinic's network
    feed_port: FeedPort = 8090,
    no_browser: NoBrowser = False,
) -> None:
    """Start the app, the listener for phones and the background sync."""
    _serve(port, feed_host, feed_port, demo=False, browser=not no_browser)


@app.command()
def demo(
    port: Port = 8080,
    feed_host: FeedHost = "127.0.0.1",
    feed_port: FeedPort = 8090,
    no_browser: NoBrowser = False,
) -> None:
    """The same with a sample practice and a simulated Google, on a throw-away home."""
    _serve(port, feed_host, feed_port, demo=True, browser=not no_browser)


def _serve(port: int, feed_host: str, feed_port: int, *, demo: bool, browser: bool) -> None:
    from companion.printing import trouble
    from companion.serving import ServeOptions
    from companion.serving import serve as serve_for_long

    options = ServeOptions(
        port=port, feed_host=feed_host, feed_port=feed_port, demo=demo, browser=browser
    )
    try:
        serve_for_long(options)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except CompanionError as error:
        trouble(error)
        raise typer.Exit(FAILED) from None
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        raise typer.Exit(_stumbled(error)) from None


# ── practitioners, settings ───────────────────────────────────────────────────────────────────


@people.command("list")
def practitioners_list(json: Json = False) -> None:
    """Everybody, in display order."""
    from companion.printing import as_json, out, table

    async def work(house: House) -> None:
        records = house.services.settings.read().practitioners.values()
        if json:
            as_json(
                {
                    "practitioners": [
                        {
                            "id": each.practitioner.id,
                            "name": each.practitioner.name,
                            "email": each.practitioner.email,
                            "timezone": each.practitioner.timezone,
                            "connected": each.google.connected,
                            "enabled": each.choices.enabled,
                        }
                        for each in records
                    ]
                }
            )
        elif not records:
            out.print("No practitioners yet. Add one: practitioners add NAME")
        else:
            table(
                ("Name", "Id", "E-mail", "Time zone", "Google"),
                [
                    (
                        each.practitioner.name,
                        each.practitioner.id,
                        each.practitioner.email,
                        each.practitioner.timezone,
                        each.google.account or "not connected",
                    )
                    for each in records
                ],
            )

    _do(work, json=json)


@people.command("add")
def practitioners_add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA zone; the practice's by default.")] = "",
    id: Annotated[str, typer.Option(help="Permanent id; made from the name.")] = "",  # noqa: A002
    json: Json = False,
) -> None:
    """Add one person."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        added = await house.services.practitioners.add(name, email=email, timezone=timezone, id=id)
        if json:
            as_json({"id": added.id, "name": added.name, "timezone": added.timezone})
        else:
            out.print(f'Added {added.name} (id "{added.id}", {added.timezone}).')

    _do(work, json=json)


@app.command()
def settings(
    practitioner: Who,
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE …]")] = None,
    json: Json = False,
) -> None:
    """Show or set one practitioner's settings."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        person = house.practitioner(practitioner)
        changes = dict(_pair(value) for value in values or [])
        if changes:
            await house.services.practitioners.set_values(person.id, changes)
            house.services.worker.nudge(person.id)
        shown = house.services.practitioners.values(person.id)
        if json:
            as_json({"practitioner": person.name, "settings": shown})
        else:
            for key, value in shown.items():
                out.print(f"{key}={value}")

    _do(work, json=json)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise BadInput(
            f'"{text[:60]}" is not KEY=VALUE.', "For example: days_in_advance=90", field="usage"
        )
    return key.strip(), value.strip()


# ── import ────────────────────────────────────────────────────────────────────────────────────


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    source: Annotated[str | None, typer.Option(help="Name of the source.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (TOML).")] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option("--snapshot/--changes", help="The file is whole, or only changes."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Also when many would be removed.")] = False,
    json: Json = False,
) -> None:
    """Take a practice-software export into the book."""
    from companion.printing import as_json, err, import_json, import_words

    async def work(house: House) -> int:
        importing = house.services.importing
        waiting = await house.services.sources.owner(file)
        preview = await importing.preview(
            file,
            source=source or (waiting[0].name if waiting else None),
            mapping=_text_of(mapping),
            snapshot=waiting[0].snapshot if waiting and snapshot is None else snapshot,
        )
        held = bool(preview.held) and not yes
        if dry_run or held:
            if json:
                as_json(import_json(preview, held=held))
            else:
                import_words(preview, dry_run=True)
            if held:
                err.print(f"{preview.held}\nNothing was changed. If this is right, add --yes.")
                return HELD
            return DONE
        report = await importing.apply(preview, yes=yes)
        if waiting and not report.held:
            await house.services.sources.settled(*waiting)
        house.services.worker.nudge()
        if json:
            as_json(import_json(report, held=report.held))
        else:
            import_words(report, dry_run=False)
        return HELD if report.held else DONE

    _do(work, json=json, who="an import")


def _text_of(mapping: Path | None) -> str | None:
    if mapping is None:
        return None
    try:
        return mapping.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The mapping file {mapping.name} cannot be read.",
            "Check its name; it must be a text file in UTF-8.",
            field="mapping",
        ) from error


# ── Google ────────────────────────────────────────────────────────────────────────────────────


@google.command("client")
def google_client(
    file: Annotated[Path, typer.Argument(metavar="FILE")], json: Json = False
) -> None:
    """Keep the practice's OAuth client file (type "installed")."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise BadInput(
                f"The file {file.name} cannot be read.", "Check its name and place.", field="file"
            ) from error
        name = await house.services.connecting.set_client(content)
        if json:
            as_json({"client": name})
        else:
            out.print(f"Kept the Google client {name}. The file itself is no longer needed.")

    _do(work, json=json)


@google.command("connect")
def google_connect(
    practitioner: Who,
    login: Annotated[str, typer.Option(help="Google Login (e-mail) that must sign in.")] = "",
    calendar: Annotated[str, typer.Option(help="Google Calendar ID to use.")] = "",
    new_calendar: Annotated[
        str | None,
        typer.Option(metavar="[NAME]", help="Create a calendar, the default the first time."),
    ] = None,
    no_browser: NoBrowser = False,
    json: Json = False,
) -> None:
    """Sign in to Google; prints the address to open and waits at most five minutes."""
    if calendar and new_calendar is not None:
        raise typer.BadParameter("Use either --calendar ID or --new-calendar, not both.")
    from companion.printing import as_json, err, out

    async def work(house: House) -> None:
        person = house.practitioner(practitioner)

        def show(url: str) -> None:
            # With --json, standard output holds the document alone.
            (err if json else out).print(f"Open this address to sign in to Google:\n{url}")

        connected = await house.connect(
            person.id,
            login=login,
            calendar_id=calendar,
            new_calendar=new_calendar,
            show=show,
            browser=not no_browser,
        )
        if json:
            as_json(
                {
                    "practitioner": person.name,
                    "account": connected.account,
                    "calendar_id": connected.calendar_id,
                    "calendar": connected.calendar_name,
                }
            )
        else:
            out.print(
                f"{person.name} is connected as {connected.account or 'an unnamed account'}; "
                f"calendar: {connected.calendar_name or connected.calendar_id}"
            )

    _do(work, json=json, who="a sign-in")


@google.command("test")
def google_test(practitioner: Who, json: Json = False) -> None:
    """Test Credentials."""
    _check(practitioner, "test", json=json)


@google.command("check")
def google_check(practitioner: Who, json: Json = False) -> None:
    """Check Calendar is accessible: really writes and removes a probe event."""
    _check(practitioner, "check", json=json)


def _check(practitioner: str, which: str, *, json: bool) -> None:
    from companion.printing import as_json, err, out

    async def work(house: House) -> int:
        person = house.practitioner(practitioner)
        connecting = house.services.connecting
        check = connecting.test if which == "test" else connecting.check
        result = await check(person.id)
        if json:
            as_json({"practitioner": person.name, **_fields(result)})
        elif result.ok:
            out.print(result.label)
        if not result.ok:
            err.print(result.what)
            for remedy in result.remedies:
                err.print(f"  - {remedy}")
        return DONE if result.ok else FAILED

    _do(work, json=json)


def _fields(result: Any) -> dict[str, Any]:
    return {
        "ok": result.ok,
        "label": result.label,
        "what": result.what,
        "remedies": list(result.remedies),
    }


@google.command("disconnect")
def google_disconnect(
    practitioner: Who,
    remove_events: Annotated[
        bool, typer.Option("--remove-events", help="Remove our events from Google first.")
    ] = False,
    json: Json = False,
) -> None:
    """Revoke and forget the sign-in."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        person = house.practitioner(practitioner)
        removed = await house.services.connecting.disconnect(person.id, remove_events=remove_events)
        if json:
            as_json({"practitioner": person.name, "removed": removed})
        else:
            out.print(f"{person.name} is disconnected; {removed} events removed from Google.")

    _do(work, json=json)


# ── sync ──────────────────────────────────────────────────────────────────────────────────────


@app.command()
def upload(practitioner: Who, json: Json = False) -> None:
    """The first export, with progress; safe to repeat and to interrupt."""
    from companion.printing import as_json, out, pass_json, pass_words, progress_bar, trouble

    async def work(house: House) -> int:
        person = house.practitioner(practitioner)
        with progress_bar("Upload to Google", quiet=json) as show:
            result = await house.services.syncing.run(person.id, cause="upload", progress=show)
        if json:
            as_json({"practitioners": [pass_json(result)]})
        else:
            out.print(pass_words(result))
        if result.error:
            trouble(result.error)
        return _code([result])

    _do(work, json=json, who="an upload")


@app.command()
def sync(
    practitioners: Annotated[list[str] | None, typer.Argument(metavar="[PRACTITIONER …]")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Release held removals.")] = False,
    json: Json = False,
) -> None:
    """One reconcile pass."""
    from companion.printing import (
        as_json,
        out,
        outlook_json,
        pass_json,
        pass_words,
        plan_words,
        progress_bar,
        trouble,
    )

    async def work(house: House) -> int:
        chosen = house.chosen(practitioners or [], everybody=everybody)
        if dry_run:
            documents = []
            for person in chosen:
                outlook = await house.services.syncing.plan(person.id)
                documents.append(outlook_json(person.name, person.id, outlook))
                if not json:
                    plan_words(person.name, outlook)
            if json:
                as_json({"practitioners": documents})
            return HELD if any(each["held"] for each in documents) and not yes else DONE
        with progress_bar("Sync", quiet=json) as show:
            results = await asyncio.gather(
                *(
                    house.services.syncing.run(
                        person.id, cause="sync", release_held=yes, progress=show
                    )
                    for person in chosen
                )
            )
        if json:
            as_json({"practitioners": [pass_json(result) for result in results]})
        for result in results:
            if not json:
                out.print(pass_words(result))
            if result.error:
                trouble(result.error)
        if not results and not json:
            out.print("Nobody is connected to Google yet.")
        return _code(results)

    _do(work, json=json, who="a sync")


@app.command()
def audit(
    practitioners: Annotated[list[str] | None, typer.Argument(metavar="[PRACTITIONER …]")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    repair: Annotated[bool, typer.Option(help="Mend what differs.")] = True,
    json: Json = False,
) -> None:
    """Compare Google with the book, event by event."""
    from companion.printing import as_json, out, pass_json, trouble
    from companion.services.auditing import proof_in_words

    async def work(house: House) -> int:
        chosen = house.chosen(practitioners or [], everybody=everybody)
        results = [
            await house.services.auditing.audit(person.id, repair=repair) for person in chosen
        ]
        if json:
            as_json({"practitioners": [pass_json(result, audit=True) for result in results]})
        for person, result in zip(chosen, results, strict=True):
            if not json:
                out.print(f"{result.practitioner}:")
                for difference in result.differences:
                    out.print(f"  {difference.what}")
                if result.proof:
                    now = house.services.clock.now()
                    out.print(f"  {proof_in_words(result.proof, person.timezone, now)}")
            if result.error:
                trouble(result.error)
        return _code(results)

    _do(work, json=json, who="an audit")


def _code(results: Sequence[PassResult]) -> int:
    if any(result.error for result in results):
        return FAILED
    return HELD if any(result.held for result in results) else DONE


# ── feeds, export ─────────────────────────────────────────────────────────────────────────────


@feeds.command("list")
def feeds_list(json: Json = False) -> None:
    """All links, without the links themselves."""
    from companion.printing import as_json, feed_json, feed_rows, out, table

    async def work(house: House) -> None:
        links = await house.services.feeds.links()
        names, now = house.names(), house.services.clock.now()
        unused_after = house.services.settings.read().practice.feed_unused_after
        if json:
            as_json({"feeds": [feed_json(link, names, now, unused_after) for link in links]})
        elif not links:
            out.print("No links yet. Add one: feeds add PRACTITIONER --label PHONE")
        else:
            headings = ("Feed", "Practitioner", "Label", "Detail", "State", "Last fetched", "Every")
            table(headings, feed_rows(links, names, now, unused_after))

    _do(work, json=json)


@feeds.command("add")
def feeds_add(
    practitioner: Who,
    label: Annotated[str, typer.Option(help="Which device, e.g. Anna's phone.")],
    detail: Annotated[
        str, typer.Option(help="full, initials, busy, google or custom.")
    ] = "initials",
    show: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Of a custom one: kinds, include, client_name, masked_types, busy_only.",
        ),
    ] = None,
    days_in_arrears: Annotated[int | None, typer.Option(help="Days back.")] = None,
    days_in_advance: Annotated[int | None, typer.Option(help="Days ahead.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day it works.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a link for one device and print it."""
    from companion.services.feed_documents import disclosure_from_words

    async def work(house: House) -> None:
        person = house.practitioner(practitioner)
        custom = disclosure_from_words(dict(map(_pair, show))) if show else None
        link, url = await house.services.feeds.add(
            person.id,
            label=label,
            detail="custom" if show else detail,
            custom=custom,
            days_in_arrears=days_in_arrears,
            days_in_advance=days_in_advance,
            expires=expires.date() if expires else None,
        )
        _print_link(house, link, url, json=json)

    _do(work, json=json)


def _print_link(house: House, link: FeedLink, url: str, *, json: bool) -> None:
    from companion.printing import as_json, feed_json, out

    unused_after = house.services.settings.read().practice.feed_unused_after
    if json:
        now = house.services.clock.now()
        as_json({**feed_json(link, house.names(), now, unused_after), "url": url})
    else:
        out.print(url)


@feeds.command("renew")
def feeds_renew(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="Id from feeds list.")],
    json: Json = False,
) -> None:
    """A new link for the same device, printed; the old one is switched off."""

    async def work(house: House) -> None:
        link, url = await house.services.feeds.renew(feed)
        _print_link(house, link, url, json=json)

    _do(work, json=json)


@feeds.command("revoke")
def feeds_revoke(
    feed: Annotated[
        str | None, typer.Argument(metavar="[FEED]", help="Id from feeds list.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every link, of one practitioner or of all.")
    ] = False,
    practitioner: Annotated[str, typer.Option(help="With --all: whose. Name or id.")] = "",
    json: Json = False,
) -> None:
    """Switch one link off, or all of them."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        if everything == bool(feed):
            raise BadInput("Name one link, or say --all.", "See: feeds list", field="usage")
        if feed:
            await house.services.feeds.revoke(feed)
            count = 1
        else:
            whose = house.practitioner(practitioner).id if practitioner else None
            count = await house.services.feeds.revoke_all(whose)
        if json:
            as_json({"id": feed, "revoked": True} if feed else {"revoked": count})
        elif feed:
            out.print("The link is switched off. Phones that use it will show that.")
        else:
            out.print(f"Links switched off: {count}. Phones that used them will show that.")

    _do(work, json=json)


@feeds.command("settings")
def feeds_settings(
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE …]")] = None,
    json: Json = False,
) -> None:
    """Show or set what the practice decides about links: feeds_allowed, feed_host and so on."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        changes = dict(_pair(value) for value in values or [])
        for key in changes:
            if not key.startswith(("feed", "cap_")):
                raise BadInput(f'"{key[:40]}" is no setting of links.', field="usage")
        if changes:
            await house.services.practitioners.set_practice(changes)
        every = house.services.practitioners.practice_values()
        shown = {key: value for key, value in every.items() if key.startswith(("feed", "cap_"))}
        if json:
            as_json({"settings": shown, "address": house.feed_address()})
        else:
            for key, value in shown.items():
                out.print(f"{key}={value}")
            out.print(f"Links begin with {house.feed_address()}")

    _do(work, json=json)


@feeds.command("check")
def feeds_check(json: Json = False) -> None:
    """Try whether phones can reach the app, which should be running."""
    from companion.printing import as_json, out

    async def work(house: House) -> int:
        reach = house.services.reachability
        findings = await reach.check(here=False)
        if json:
            as_json({"address": reach.address(), "findings": findings})
        else:
            out.print(reach.sentence())
            for each in findings:
                out.print(f"{'ok ' if each.ok else 'NOT'} {each.what} {each.remedy}".rstrip())
        return DONE if all(each.ok for each in findings) else FAILED

    _do(work, json=json)


@app.command()
def export(
    practitioner: Who,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")
    ] = None,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="FILE.ics")] = None,
    json: Json = False,
) -> None:
    """Write an .ics file: what Google would show of the chosen days."""
    from companion.printing import as_json, err

    async def work(house: House) -> None:
        record = house.services.settings.read().practitioner(practitioner)
        person, choices = record.practitioner, record.choices
        today = house.services.clock.now().astimezone(ZoneInfo(person.timezone)).date()
        start = first.date() if first else today - timedelta(days=choices.days_in_arrears)
        end = last.date() if last else today + timedelta(days=choices.days_in_advance)
        _check_range(start, end)
        content = await house.services.feeds.export(person.id, first_day=start, last_day=end)
        if out_file is None and not json:
            sys.stdout.buffer.write(content)
            return
        if out_file is not None:
            house.write_file(out_file, content)
        count = content.count(b"BEGIN:VEVENT")
        if json:
            document = {"practitioner": person.name, "events": count, "bytes": len(content)}
            as_json(document if out_file else {**document, "ics": content.decode()})
        else:
            err.print(f"{count} appointments written to {out_file}")

    _do(work, json=json)


def _check_range(start: date, end: date) -> None:
    if end < start:
        raise BadInput("--to lies before --from.", "Swap the two days.", field="usage")
    if start.year < EXPORT_YEARS[0] or end.year > EXPORT_YEARS[1]:
        first, last = EXPORT_YEARS
        raise BadInput(
            f"Only days of the years {first} to {last} can be exported.",
            "Choose nearer days for --from and --to.",
            field="usage",
        )


# ── watched folders, activity ─────────────────────────────────────────────────────────────────


@sources.command("list")
def sources_list(json: Json = False) -> None:
    """Where appointments come from, and the folders that are watched."""
    from companion.printing import as_json, out, source_json, source_words

    async def work(house: House) -> None:
        known = await house.services.sources.overview()
        if json:
            as_json({"sources": [source_json(each) for each in known]})
        elif not known:
            out.print("No sources yet. Watch a folder: sources add NAME FOLDER")
        else:
            for each in known:
                source_words(each, house.services.settings.read().practice.timezone)

    _do(work, json=json)


@sources.command("add")
def sources_add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (TOML).")] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option("--snapshot/--changes", help="Its files are whole, or only changes."),
    ] = None,
    leave_files: Annotated[
        bool | None,
        typer.Option("--leave-files/--file-away", help="Leave imported files where they are."),
    ] = None,
    json: Json = False,
) -> None:
    """Watch a folder: an export dropped there is imported while the app runs."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        source = await house.services.sources.add(
            name,
            str(folder.absolute()),
            mapping=_text_of(mapping),
            snapshot=snapshot,
            leave_files=leave_files,
        )
        if json:
            as_json({"source": source.name, "folder": source.folder, "snapshot": source.snapshot})
        else:
            out.print(f"{source.folder} is watched for {source.name} while the app runs.")

    _do(work, json=json)


@sources.command("remove")
def sources_remove(
    name: Annotated[str, typer.Argument(metavar="NAME")], json: Json = False
) -> None:
    """Forget a source and its folder; its appointments and files stay."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        source = house.services.sources.source(name)
        await house.services.sources.remove(source.name)
        if json:
            as_json({"source": source.name, "removed": True})
        else:
            out.print(f"{source.name} is forgotten; its appointments stay in the book.")

    _do(work, json=json)


@app.command()
def activity(
    practitioner: Annotated[str, typer.Option(help="Only of this one: name or id.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Everything, as a table.")
    ] = None,
    json: Json = False,
) -> None:
    """What was written to Google, imported and connected: when, why, how many."""
    from companion.printing import activity_json, activity_words, as_json, err
    from companion.services.activity_csv import EVERYTHING, activity_csv

    async def work(house: House) -> None:
        person = house.practitioner(practitioner).id if practitioner else None
        everything = csv_file is not None
        lines = await house.services.activity.recent(EVERYTHING if everything else limit, person)
        zone = house.services.settings.read().practice.timezone
        if csv_file is not None:
            house.write_file(csv_file, activity_csv(lines, house.names(), zone))
            err.print(f"{len(lines)} lines written to {csv_file}")
        if json:
            as_json({"activity": [activity_json(each, house.names()) for each in lines]})
        elif csv_file is None:
            activity_words(lines, house.names(), zone)

    _do(work, json=json)


# ── status ────────────────────────────────────────────────────────────────────────────────────


@app.command()
def status(json: Json = False) -> None:
    """What is connected, last sync, last proof."""
    from companion.printing import as_json, board_json, board_words

    async def work(house: House) -> None:
        board = await house.services.status.board()
        if json:
            as_json(board_json(board))
        else:
            board_words(board)

    _do(work, json=json)


# ── doctor, backup, settings as a file ────────────────────────────────────────────────────────


@app.command()
def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE.zip", help="Also write a support bundle."),
    ] = None,
    json: Json = False,
) -> None:
    """Check everything and say what to do; exit 1 when something fails."""
    from companion.care import bundle_of_closed
    from companion.main import Environment, House, open_companion
    from companion.printing import as_json, diagnosis_json, diagnosis_words, err, examining
    from companion.services.doctor import closed_home

    async def examine() -> int:
        environment = Environment.of_process()
        try:
            async with open_companion(environment, holder="the doctor") as house:
                with examining(quiet=json) as show:
                    diagnosis = await house.services.doctor.examine(show)
                content = await house.services.support.bundle(diagnosis) if bundle else b""
        except CompanionError as error:  # it does not even open
            diagnosis = closed_home(error, companion.__version__, datetime.now(UTC))
            content = bundle_of_closed(environment.home, diagnosis) if bundle else b""
        if bundle is not None:
            House.write_file(bundle, content)
        if json:
            as_json(diagnosis_json(diagnosis))
        else:
            diagnosis_words(diagnosis)
        if bundle is not None:
            err.print(f"Support bundle written to {bundle}. It holds no names and no sign-ins.")
        return DONE if diagnosis.healthy else FAILED

    _guarded(examine, json=json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    sign_ins: Annotated[
        bool,
        typer.Option("--sign-ins/--no-sign-ins", help="With the Google sign-ins and links."),
    ] = True,
    json: Json = False,
) -> None:
    """Everything in one file that only its passphrase opens (asked, or COMPANION_BACKUP_KEY)."""
    from companion.printing import as_json, err

    async def work(house: House) -> None:
        passphrase = _passphrase(twice=True)
        made = await house.services.backups.back_up(file, passphrase, sign_ins=sign_ins)
        if json:
            as_json({"file": str(made.path), "bytes": made.size, **_contents(made.manifest)})
        else:
            err.print(
                f"Backup of {made.manifest.appointments} appointments written to {made.path} "
                f"({made.size / 1e6:.1f} MB). Keep its passphrase where it is not lost."
            )

    _do(work, json=json, who="a backup")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    sign_ins: Annotated[
        bool,
        typer.Option("--sign-ins/--no-sign-ins", help="Take the backup's sign-ins, if it has any."),
    ] = True,
    json: Json = False,
) -> None:
    """Put a backup in place of what is here; the app must be stopped. What was here is kept."""
    from companion.main import Environment, restoring_of
    from companion.printing import as_json, err

    async def work() -> int:
        restoring = restoring_of(Environment.of_process())
        passphrase = _passphrase(twice=False)
        done = await restoring.restore(file, passphrase, sign_ins=sign_ins)
        if json:
            as_json(
                {
                    **_contents(done.manifest),
                    "sign_ins": done.sign_ins,
                    "kept": str(done.aside),
                    "calendars": done.calendars,
                }
            )
        else:
            err.print(
                f"Restored {done.manifest.appointments} appointments as of "
                f"{done.manifest.made_at:%d/%m/%Y %H:%M} UTC. What was here before lies in "
                f"{done.aside}.\nThe next sync compares {done.calendars} calendars with Google "
                "and mends what differs. Import the latest export before it."
            )
        return DONE

    _guarded(work, json=json)


def _contents(manifest: Any) -> dict[str, Any]:
    return {
        "made_at": manifest.made_at.isoformat(),
        "practitioners": manifest.practitioners,
        "appointments": manifest.appointments,
        "feeds": manifest.feeds,
        "sign_ins": manifest.sign_ins,
    }


def _passphrase(*, twice: bool) -> str:
    """Of a backup: from COMPANION_BACKUP_KEY, else typed unseen."""
    import getpass
    import os

    from companion.services.backup import VARIABLE, check_passphrase

    given = os.environ.get(VARIABLE, "")
    if given.strip():
        return given
    if not sys.stdin.isatty():
        raise BadInput(
            "A backup needs a passphrase, and there is nobody to type one.",
            f"Set {VARIABLE} to it.",
            field="passphrase",
        )
    typed = getpass.getpass("Passphrase of the backup: ")
    if twice:
        check_passphrase(typed)
        if getpass.getpass("Once more: ") != typed:
            raise BadInput("The two are not the same.", "Try again.", field="passphrase")
    return typed


def _guarded(work: Callable[[], Awaitable[int]], *, json: bool) -> None:
    """As `_do`, for what opens the house itself or must not."""
    from companion.printing import as_json, error_json, trouble

    async def inside() -> int:
        return await work()

    try:
        code = asyncio.run(inside())
    except KeyboardInterrupt:
        code = _interrupted()
    except CompanionError as error:
        if json:
            as_json({"error": error_json(error)})
        trouble(error)
        code = FAILED
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        code = _stumbled(error, json=json)
    raise typer.Exit(code)


@settings_file.command("export")
def settings_export(
    file: Annotated[Path, typer.Argument(metavar="FILE.json")], json: Json = False
) -> None:
    """Write all settings, without anything secret, for a person to keep or to change."""
    from companion.printing import as_json, err

    async def work(house: House) -> None:
        content = house.services.transfer.export()
        house.write_file(file, content)
        if json:
            as_json({"file": str(file), "bytes": len(content)})
        else:
            err.print(f"Settings written to {file}. They hold no sign-ins and no passwords.")

    _do(work, json=json)


@settings_file.command("import")
def settings_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.json")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Take settings from such a file; sign-ins stay as they are, nobody is removed."""
    from companion.printing import as_json, transfer_words

    async def work(house: House) -> None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise BadInput(
                f"The file {file.name} cannot be read.", "Check its name and place.", field="file"
            ) from error
        transfer = house.services.transfer
        report = transfer.preview(content) if dry_run else await transfer.take(content)
        if not dry_run:
            house.services.worker.nudge()
        if json:
            as_json({"dry_run": dry_run, **_report_fields(report)})
        else:
            transfer_words(report, dry_run=dry_run)

    _do(work, json=json)


def _report_fields(report: Any) -> dict[str, Any]:
    return {
        "added": list(report.added),
        "changed": list(report.changed),
        "unchanged": report.unchanged,
        "kept": list(report.kept),
        "practice_changed": report.practice_changed,
        "sources_changed": report.sources_changed,
    }


# ── users ─────────────────────────────────────────────────────────────────────────────────────


@users.command("list")
def users_list(json: Json = False) -> None:
    """Everybody who may sign in."""
    from companion.printing import as_json, out, table

    async def work(house: House) -> None:
        found = house.services.accounts.users()
        names = house.names()
        rows = [
            {
                "id": each.id,
                "name": each.name,
                "role": each.role.value,
                "practitioner": each.practitioner_id,
            }
            for each in found
        ]
        if json:
            as_json({"users": rows})
        elif not rows:
            out.print("No users yet: the app's first page makes the administrator.")
        else:
            table(
                ("Name", "Role", "Practitioner"),
                [(e["name"], e["role"], names.get(e["practitioner"], "")) for e in rows],
            )

    _do(work, json=json)


@users.command("reset")
def users_reset(name: Annotated[str, typer.Argument(metavar="NAME")], json: Json = False) -> None:
    """A new password to hand over; also for an administrator who has forgotten theirs."""
    from companion.printing import as_json, out

    async def work(house: House) -> None:
        accounts = house.services.accounts
        user = accounts.named(name)
        password = await accounts.reset_password(user.id)
        if json:
            as_json({"id": user.id, "name": user.name, "password": password})
        else:
            out.print(f"The new password of {user.name} is {password}")
            out.print("It has to be changed at the next sign-in.")

    _do(work, json=json)
