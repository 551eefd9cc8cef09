"""The imports so far, and undoing one: `imports list`, `imports undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.running import DONE, HELD, Json, command
from companion.console import as_json, err, operator, out
from companion.domain.differences import when

if TYPE_CHECKING:
    from companion.services.assembly import Application
    from companion.services.imports.history import UndoPreview
    from companion.services.ports import ImportRecord

app = typer.Typer()
imports = typer.Typer(help="The imports so far, and undoing one.", no_args_is_help=True)
app.add_typer(imports, name="imports")


@command(imports, "list")
async def imports_list(
    application: Application,
    source: Annotated[str, typer.Option(help="Only of this source.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    json: Json = False,
) -> None:
    """Who imported what, when, with its counts; the number is what undo takes."""
    found = await application.imports.recent(limit, source)
    if json:
        as_json({"imports": [record_json(each) for each in found]})
    elif not found:
        out.print("Nothing has been imported yet.")
    zone = application.settings.read().practice.timezone
    for each in found if not json else ():
        out.print(record_words(each, zone))


@command(imports, "undo", who="an import")
async def imports_undo(
    application: Application,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="From imports list.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, change nothing.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also when some were changed since, which stay.")
    ] = False,
    json: Json = False,
) -> int:
    """Put the book back as it was before one import; what was changed since stays."""
    preview = await application.imports.look_at(number)
    held = preview.left > 0 and not yes
    if not (dry_run or held):
        preview = await application.imports.undo(number, by=operator())
    if json:
        as_json({**undo_json(preview), "undone": not (dry_run or held), "held": held})
    else:
        out.print(preview.sentence)
    if held and not dry_run:
        err.print("Nothing was changed. If this is right, add --yes.")
        return HELD
    return DONE


def record_json(each: ImportRecord) -> dict[str, Any]:
    return {
        "import": each.id,
        "source": each.source,
        "at": each.at,
        "by": each.by,
        "file": each.file_name,
        "added": each.added,
        "changed": each.changed,
        "removed": each.removed,
        "unchanged": each.unchanged,
        "cancelled": each.cancelled,
        "older": each.older,
        "kept": each.kept,
        "rejected": each.rejected,
        "can_undo": each.can_undo,
        "undone_at": each.undone_at,
        "undone_by": each.undone_by,
    }


def record_words(each: ImportRecord, timezone: str) -> str:
    file = each.file_name or "its appointments were removed"
    counts = f"{each.added} added, {each.changed} changed, {each.removed} removed"
    end = ""
    if each.undone_at is not None:
        end = f"; undone {when(each.undone_at, timezone)} ({each.undone_by})"
    elif not each.can_undo:
        end = "; nothing to undo"
    by = f" ({each.by})" if each.by else ""
    return f"{each.id}  {when(each.at, timezone)}  {each.source}: {file}{by}; {counts}{end}"


def undo_json(preview: UndoPreview) -> dict[str, Any]:
    return {
        "import": preview.record.id,
        "source": preview.record.source,
        "takes_out": preview.takes_out,
        "puts_back": preview.puts_back,
        "restores": preview.restores,
        "left": preview.left,
    }
