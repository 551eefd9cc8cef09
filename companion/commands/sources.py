"""Where appointments come from by themselves: folders that are watched, places that are asked."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.imports import Answers, text_of
from companion.commands.running import DONE, FAILED, HELD, Json, command
from companion.commands.source_reports import (
    outcome_json,
    outcome_words,
    place_json,
    source_json,
    source_words,
)
from companion.console import as_json, err, operator, out
from companion.domain.errors import BadInput
from companion.domain.expectations import Expected

if TYPE_CHECKING:
    from companion.services.assembly import Application
    from companion.services.sources.fetched_sources import TypedPlace
    from companion.services.sources.remote import SourceKind

app = typer.Typer()
sources = typer.Typer(
    help="Where appointments come from: watched folders, links, programs.", no_args_is_help=True
)
app.add_typer(sources, name="sources")


@command(sources, "list")
async def sources_list(application: Application, json: Json = False) -> None:
    """Where appointments come from: folders that are watched, places that are asked."""
    known = await application.sources.overview()
    if json:
        as_json({"sources": [source_json(each) for each in known]})
    elif not known:
        out.print("No sources yet. To watch a folder or fetch from a place: sources add NAME PLACE")
    else:
        for each in known:
            source_words(each, application.settings.read().practice.timezone)


@command(sources, "add")
async def sources_add(  # noqa: PLR0913, PLR0917 - Typer reads the options from the parameters
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    place: Annotated[str, typer.Argument(metavar="[FOLDER|LINK|fhir+https://…]")] = "",
    cliniko: Annotated[
        bool, typer.Option("--cliniko", help="From Cliniko; its API key is asked for.")
    ] = False,
    database: Annotated[
        str, typer.Option(metavar="URL", help="From a database, by the query of --query.")
    ] = "",
    query: Annotated[
        Path | None, typer.Option(metavar="FILE.sql", help="What is asked of the database.")
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="Of what it is fetched from: sources kinds.")
    ] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What its kind needs: sources kinds."),
    ] = None,
    every: Annotated[
        int | None, typer.Option(metavar="MINUTES", help="How often it is fetched; 15.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (TOML).")] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option("--snapshot/--changes", help="Its files are whole, or only changes."),
    ] = None,
    leave_files: Annotated[
        bool | None,
        typer.Option("--leave-files/--file-away", help="Leave imported files where they are."),
    ] = None,
    expected: Annotated[Expected | None, typer.Option(help="How often a file should come.")] = None,
    answer: Answers = None,
    yes: Annotated[
        bool | None, typer.Option("--yes/--ask", help="Take the guesses for what files leave open.")
    ] = None,
    json: Json = False,
) -> None:
    """Watch a folder, or fetch from a calendar link (https, webcal) or a program (--kind), while
    the app runs. A key or password is asked for, or read from standard input; and so is what else
    its kind needs, one a line."""
    from companion.services.imports.reading.asking import answers_of
    from companion.services.sources.reports import every_words

    given = answers_of(answer or ())
    asked = _PlaceOptions.of(kind, place, field or (), cliniko, database, text_of(query, "query"))
    if asked is not None:
        if leave_files is not None or expected is not None:
            raise BadInput("Only a folder has --leave-files and --expected.", field="options")
        source = await application.fetched_sources.add(
            name,
            asked.wanted(application.fetched_sources.kinds()),
            every=None if every is None else timedelta(minutes=every),
            mapping=text_of(mapping),
            snapshot=snapshot,
            answers=given,
            guesses=yes,
        )
    else:
        if not place:
            raise BadInput("Where does it come from?", _WHERE, field="place")
        if every is not None or field:
            raise BadInput(
                "Only what is fetched has --every and --field: a folder is watched.",
                field="options",
            )
        source = await application.sources.add(
            name,
            str(Path(place).absolute()),  # noqa: ASYNC240 - asks the disk nothing
            mapping=text_of(mapping),
            snapshot=snapshot,
            leave_files=leave_files,
            expected=expected,
            answers=given,
            guesses=yes,
        )
    if json:
        as_json(place_json(source))
    elif source.remote:
        out.print(
            f"{source.name} is fetched from {source.remote.place} "
            f"{every_words(source.remote.every)} while the app runs. To fetch it now: sources "
            "sync"
        )
    else:
        out.print(f"{source.folder} is watched for {source.name} while the app runs.")


_WHERE = "Name a folder, the link of a calendar, or --kind; sources kinds lists those."


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlaceOptions:
    """Where a source is fetched from, as the command's options say it."""

    kind: str
    secret: str = ""
    """Where an option gives it; else it is asked for."""
    fields: Mapping[str, str]

    @classmethod
    def of(
        cls,
        kind: str,
        place: str,
        given: Sequence[str],
        cliniko: bool,
        database: str,
        query: str | None,
    ) -> _PlaceOptions | None:
        """None for a folder. Raises BadInput."""
        fields, secret = dict(each.partition("=")[::2] for each in given), ""
        said = [kind] if kind else []
        said += ["cliniko"] if cliniko else []
        said += ["database"] if database or query is not None else []
        if place.startswith(_FHIR):
            said.append("fhir")
            fields["address"] = place.removeprefix("fhir+")
        elif "://" in place:
            said.append("link")
        if not said:
            return None
        if len(set(said)) > 1 or (place and said[0] not in {"fhir", "link"}):
            raise BadInput("A source comes from one place.", _WHERE, field="place")
        if said[0] == "database":
            secret = database
            if query is not None:
                fields["query"] = query
        elif said[0] == "link":
            secret = place
        return cls(kind=said[0], secret=secret, fields=fields)

    def wanted(self, kinds: Sequence[SourceKind]) -> TypedPlace:
        from companion.services.sources.fetched_sources import TypedPlace

        known = {each.name: each for each in kinds}
        secret, fields = self.secret, dict(self.fields)
        if not secret and self.kind in known:
            secret = typed_secret(known[self.kind].secret.label)
        for each in known[self.kind].fields if self.kind in known else ():
            asked = each.required and not each.default and each.lines == 1
            if asked and each.name not in fields and (said := typed(each.label)):
                fields[each.name] = said
        return TypedPlace(kind=self.kind, secret=secret, fields=fields)


_FHIR = ("fhir+https://", "fhir+http://")


def typed_secret(label: str) -> str:
    """Typed unseen, or the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{label}: ")
    return sys.stdin.readline().rstrip("\r\n")


def typed(label: str) -> str:
    """Asked for, or the next line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(label, default="", show_default=False))
    return sys.stdin.readline().rstrip("\r\n")


@command(sources, "kinds")
async def sources_kinds(application: Application, json: Json = False) -> None:
    """What appointments can be fetched from, and what each kind needs."""
    kinds = application.fetched_sources.kinds()
    if json:
        as_json({"kinds": [_kind_json(each) for each in kinds]})
    for kind in () if json else kinds:
        out.print(f"{kind.name}: {kind.title}. {kind.about}")
        for each in kind.fields:
            usual = f" ({each.default})" if each.default else ""
            out.print(f"  --field {each.name}=…  {each.label}{usual}. {each.hint}")


def _kind_json(kind: SourceKind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "title": kind.title,
        "secret": kind.secret.label,
        "fields": [
            {"name": each.name, "label": each.label, "required": each.required}
            for each in kind.fields
        ],
    }


@command(sources, "sync")
async def sources_sync(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "",
    answer: Answers = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take the guesses; also when many would be removed.")
    ] = False,
    json: Json = False,
) -> int:
    """Fetch now what is fetched: of one source, or of all."""

    from companion.services.imports.reading.asking import answers_of

    answers, known = answers_of(answer or ()), await application.sources.overview()
    fetched = [each.settings.name for each in known if each.settings.remote]
    wanted = [application.sources.source(name).name] if name else fetched
    found = [
        await application.fetched_sources.sync(each, answers=answers, yes=yes, by=operator())
        for each in wanted
    ]
    if json:
        as_json({"sources": [outcome_json(each) for each in found]})
    for each in found:
        outcome_words(each, json=json)
    if not found:
        err.print("No source is fetched from anywhere.")
    if any(each.error for each in found):
        return FAILED
    return HELD if any(each.held for each in found) else DONE


@command(sources, "watch")
async def sources_watch(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    json: Json = False,
) -> None:
    """Watch its folder from this workstation, not from another one of the practice."""
    source = await application.sources.watch_here(name)
    if json:
        as_json(place_json(source))
    else:
        out.print(f"{source.folder} is watched for {source.name} from this workstation.")


@command(sources, "remove")
async def sources_remove(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    appointments: Annotated[
        bool, typer.Option("--appointments", help="Take what it brought out of the book too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking once more.")] = False,
    json: Json = False,
) -> int:
    """Forget a source, its folder or place; files and appointments stay unless told."""
    brought = await application.imports.brought_by(name) if appointments else 0
    known = {each.settings.name for each in await application.sources.overview()}
    # One from before sources were remembered is in the book alone.
    source = name if brought and name not in known else application.sources.source(name).name
    brought = await application.imports.brought_by(source) if appointments else 0
    held = brought > 0 and not yes
    if not held:
        if appointments:
            await application.imports.remove_source(source, by=operator())
        if source in known:
            await application.sources.remove(source)
    if json:
        document = {"source": source, "removed": not held, "appointments": brought}
        as_json({**document, "held": held})
    elif not held:
        left = "its appointments stay in the book"
        stay = f"{brought} appointments were removed" if appointments else left
        out.print(f"{source} is forgotten; {stay}.")
    if held:
        err.print(
            f"This would take {brought} appointments of {source} out of the book. Nothing was "
            "changed. If this is right, add --yes."
        )
    return HELD if held else DONE
