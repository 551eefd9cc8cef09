"""Links for phones, and .ics files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from companion.commands.running import (
    DONE,
    FAILED,
    Json,
    Who,
    command,
    named,
    names_of,
    pair,
)
from companion.console import as_json, err, out, table
from companion.domain.errors import BadInput
from companion.services.files import write_file

if TYPE_CHECKING:
    from companion.services.assembly import Application
    from companion.services.ports import FeedLink

EXPORT_YEARS = (1970, 2200)
app = typer.Typer()
feeds = typer.Typer(help="Subscribable links for phones, one per device.", no_args_is_help=True)
app.add_typer(feeds, name="feeds")


@command(feeds, "list")
async def feeds_list(application: Application, json: Json = False) -> None:
    """All links, without the links themselves."""
    links = await application.feeds.links()
    names, now = names_of(application), application.clock.now()
    unused_after = application.settings.read().practice.feed_unused_after
    if json:
        as_json({"feeds": [feed_json(link, names, now, unused_after) for link in links]})
    elif not links:
        out.print("No links yet. Add one: feeds add PRACTITIONER --label PHONE")
    else:
        headings = ("Feed", "Practitioner", "Label", "Detail", "State", "Last fetched", "Every")
        table(headings, feed_rows(links, names, now, unused_after))


@command(feeds, "add")
async def feeds_add(  # noqa: PLR0913, PLR0917 - Typer reads the options from the parameters
    application: Application,
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

    from companion.services.feeds.documents import disclosure_from_words
    from companion.services.feeds.views import read_detail
    from companion.services.ports import FeedDetail

    person = named(application, practitioner)
    custom = disclosure_from_words(dict(map(pair, show))) if show else None
    link, url = await application.feeds.add(
        person.id,
        label=label,
        detail=FeedDetail.CUSTOM if show else read_detail(detail),
        custom=custom,
        days_in_arrears=days_in_arrears,
        days_in_advance=days_in_advance,
        expires=expires.date() if expires else None,
    )
    _print_link(application, link, url, json=json)


def _print_link(application: Application, link: FeedLink, url: str, *, json: bool) -> None:
    unused_after = application.settings.read().practice.feed_unused_after
    if json:
        now = application.clock.now()
        as_json({**feed_json(link, names_of(application), now, unused_after), "url": url})
    else:
        out.print(url)


@command(feeds, "edit")
async def feeds_edit(
    application: Application,
    feed: Annotated[str, typer.Argument(metavar="FEED", help="Id from feeds list.")],
    label: Annotated[str | None, typer.Option(help="Which device.")] = None,
    detail: Annotated[str | None, typer.Option(help="full, initials, busy or google.")] = None,
    days_in_arrears: Annotated[int | None, typer.Option(help="Days back.")] = None,
    days_in_advance: Annotated[int | None, typer.Option(help="Days ahead.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day it works.")
    ] = None,
    json: Json = False,
) -> None:
    """Rename a link, or change what it shows; the link itself stays as it is."""

    from companion.services.feeds.links import last_day
    from companion.services.feeds.views import read_detail

    old = await application.feeds.link(feed)
    zone = application.settings.read().practitioner(old.practitioner_id).practitioner.timezone
    link = await application.feeds.edit(
        feed,
        label=old.label if label is None else label,
        detail=old.detail if detail is None else read_detail(detail),
        custom=old.custom if detail is None else None,
        days_in_arrears=old.days_in_arrears if days_in_arrears is None else days_in_arrears,
        days_in_advance=old.days_in_advance if days_in_advance is None else days_in_advance,
        expires=expires.date() if expires else last_day(old, zone),
    )
    if json:
        unused_after = application.settings.read().practice.feed_unused_after
        now = application.clock.now()
        as_json(feed_json(link, names_of(application), now, unused_after))
    else:
        out.print("Saved; the link is the same.")


@command(feeds, "renew")
async def feeds_renew(
    application: Application,
    feed: Annotated[str, typer.Argument(metavar="FEED", help="Id from feeds list.")],
    json: Json = False,
) -> None:
    """A new link for the same device, printed; the old one is switched off."""
    link, url = await application.feeds.renew(feed)
    _print_link(application, link, url, json=json)


@command(feeds, "revoke")
async def feeds_revoke(
    application: Application,
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
    if everything == bool(feed):
        raise BadInput("Name one link, or say --all.", "See: feeds list", field="usage")
    if feed:
        await application.feeds.revoke(feed)
        count = 1
    else:
        whose = named(application, practitioner).id if practitioner else None
        count = await application.feeds.revoke_all(whose)
    if json:
        as_json({"id": feed, "revoked": True} if feed else {"revoked": count})
    elif feed:
        out.print("The link is switched off. Phones that use it will show that.")
    else:
        out.print(f"Links switched off: {count}. Phones that used them will show that.")


@command(feeds, "settings")
async def feeds_settings(
    application: Application,
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE …]")] = None,
    json: Json = False,
) -> None:
    """Show or set what the practice decides about links: feeds_allowed, feed_host and so on."""
    changes = dict(pair(value) for value in values or [])
    for key in changes:
        if not key.startswith(("feed", "cap_")):
            raise BadInput(f'"{key[:40]}" is no setting of links.', field="usage")
    if changes:
        await application.practitioners.set_practice(changes)
    every = application.practitioners.practice_values()
    shown = {key: value for key, value in every.items() if key.startswith(("feed", "cap_"))}
    if json:
        as_json({"settings": shown, "address": application.reachability.address()})
    else:
        for key, value in shown.items():
            out.print(f"{key}={value}")
        out.print(f"Links begin with {application.reachability.address()}")


@command(feeds, "check")
async def feeds_check(application: Application, json: Json = False) -> int:
    """Try whether phones can reach the app, which should be running."""
    reach = application.reachability
    findings = await reach.check(here=False)
    if json:
        as_json({"address": reach.address(), "findings": findings})
    else:
        out.print(reach.sentence())
        for each in findings:
            out.print(f"{'ok ' if each.ok else 'NOT'} {each.what} {each.remedy}".rstrip())
    return DONE if all(each.ok for each in findings) else FAILED


@command(app)
async def export(
    application: Application,
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
    record = application.settings.read().practitioner(practitioner)
    person, choices = record.practitioner, record.choices
    today = application.clock.now().astimezone(ZoneInfo(person.timezone)).date()
    start = first.date() if first else today - timedelta(days=choices.days_in_arrears)
    end = last.date() if last else today + timedelta(days=choices.days_in_advance)
    _check_range(start, end)
    content = await application.feeds.export(person.id, first_day=start, last_day=end)
    if out_file is None and not json:
        sys.stdout.buffer.write(content)
        return
    if out_file is not None:
        write_file(out_file, content)
    count = content.count(b"BEGIN:VEVENT")
    if json:
        document = {"practitioner": person.name, "events": count, "bytes": len(content)}
        as_json(document if out_file else {**document, "ics": content.decode()})
    else:
        err.print(f"{count} appointments written to {out_file}")


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


def feed_json(
    link: FeedLink, names: Mapping[str, str], now: datetime, unused_after: timedelta
) -> dict[str, Any]:
    from companion.services.feeds.documents import disclosure_words
    from companion.services.feeds.facts import facts_of

    facts = facts_of(link, now, unused_after)
    return {
        "id": link.id,
        "practitioner": names.get(link.practitioner_id, link.practitioner_id),
        "practitioner_id": link.practitioner_id,
        "label": link.label,
        "detail": link.detail,
        "shows": None if link.custom is None else disclosure_words(link.custom),
        "days_in_arrears": link.days_in_arrears,
        "days_in_advance": link.days_in_advance,
        "state": facts.state,
        "created_at": link.created_at.isoformat(),
        "expires_at": link.expires_at.isoformat() if link.expires_at else None,
        "revoked_at": link.revoked_at.isoformat() if link.revoked_at else None,
        "last_fetched_at": link.last_fetched_at.isoformat() if link.last_fetched_at else None,
        "last_client": link.last_client,
        "last_status": link.last_status or None,
        "last_network": link.last_network,
        "interval_seconds": None if facts.interval is None else facts.interval.total_seconds(),
        "fetches": link.fetches,
    }


def feed_rows(
    links: Iterable[FeedLink], names: Mapping[str, str], now: datetime, unused_after: timedelta
) -> Iterator[tuple[str, ...]]:
    from companion.services.feeds.facts import facts_of

    for link in links:
        facts = facts_of(link, now, unused_after)
        seen = f"{link.last_fetched_at:%d/%m/%Y %H:%M} UTC" if link.last_fetched_at else "never"
        minutes = "" if facts.interval is None else f"{facts.interval.total_seconds() / 60:.0f} min"
        yield (
            link.id,
            names.get(link.practitioner_id, link.practitioner_id),
            link.label,
            link.detail,
            facts.state,
            f"{seen} {facts.client}".rstrip(),
            minutes,
        )
