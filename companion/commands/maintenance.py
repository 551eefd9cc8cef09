"""The doctor, and settings as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import companion
from companion.commands.running import (
    DONE,
    FAILED,
    Json,
    bare_command,
    command,
    read_input,
)
from companion.console import as_json, err, out, progress_bar
from companion.domain.errors import CompanionError
from companion.services.files import write_file

if TYPE_CHECKING:
    from companion.services.assembly import Application
    from companion.services.maintenance.doctor import Diagnosis, Examined
    from companion.services.settings.transfer import TransferReport

app = typer.Typer()
_SIGNS = {"ok": "ok  ", "warn": "LOOK", "fail": "FAIL"}
settings_file = typer.Typer(help="All settings as a file, without secrets.", no_args_is_help=True)
app.add_typer(settings_file, name="settings-file")


@bare_command(app)
async def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE.zip", help="Also write a support bundle."),
    ] = None,
    fix: Annotated[
        str, typer.Option(metavar="NAME", help="First mend this, as a finding offers it.")
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Only what needs no network.")] = False,
    json: Json = False,
) -> int:
    """Check everything and say what to do; exit 1 when something fails."""
    from companion.environment import Environment
    from companion.main import open_companion
    from companion.services.maintenance.doctor import closed_home

    environment = Environment.of_process()
    try:
        async with open_companion(environment, holder="the doctor") as application:
            if fix:
                err.print(await application.doctor.fix(fix))
            with _examining(quiet=json) as show:
                diagnosis = await application.doctor.examine(show, offline=offline)
            content = await application.support.bundle(diagnosis) if bundle else b""
    except CompanionError as error:  # it does not even open
        diagnosis = closed_home(error, companion.__version__, datetime.now(UTC))
        content = _bundle_of_closed(environment.home, diagnosis) if bundle else b""
    if bundle is not None:
        write_file(bundle, content)
    if json:
        as_json(diagnosis_json(diagnosis))
    else:
        diagnosis_words(diagnosis)
    if bundle is not None:
        err.print(f"Support bundle written to {bundle}. It holds no names and no sign-ins.")
    return DONE if diagnosis.healthy else FAILED


def _bundle_of_closed(home: Path, diagnosis: Diagnosis) -> bytes:
    """A support bundle of a home that does not open."""
    from companion.adapters.logs import FILE_NAME
    from companion.adapters.probes import MachineProbes
    from companion.services.maintenance.support import bare_bundle

    versions = MachineProbes().versions()
    return bare_bundle(diagnosis, home=home, log_name=FILE_NAME, versions=versions)


@command(settings_file, "export")
async def settings_export(
    application: Application,
    file: Annotated[Path, typer.Argument(metavar="FILE.json")],
    json: Json = False,
) -> None:
    """Write all settings, without anything secret, for a person to keep or to change."""
    content = application.transfer.export()
    write_file(file, content)
    if json:
        as_json({"file": str(file), "bytes": len(content)})
    else:
        err.print(f"Settings written to {file}. They hold no sign-ins and no passwords.")


@command(settings_file, "import")
async def settings_import(
    application: Application,
    file: Annotated[Path, typer.Argument(metavar="FILE.json")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Take settings from such a file; sign-ins stay as they are, nobody is removed."""
    content = read_input(file)
    transfer = application.transfer
    report = transfer.preview(content) if dry_run else await transfer.take(content)
    if json:
        as_json({"dry_run": dry_run, **_report_fields(report)})
    else:
        transfer_words(report, dry_run=dry_run)


def _report_fields(report: Any) -> dict[str, Any]:
    return {
        "added": list(report.added),
        "changed": list(report.changed),
        "unchanged": report.unchanged,
        "kept": list(report.kept),
        "practice_changed": report.practice_changed,
        "sources_changed": report.sources_changed,
    }


@contextmanager
def _examining(*, quiet: bool) -> Iterator[Callable[[Examined], None]]:
    """A bar while the doctor is at work."""
    with progress_bar("Examining", quiet=quiet) as bar:

        def show(examined: Examined) -> None:
            last = examined.findings[-1].title if examined.findings else ""
            bar(examined.done, examined.total, last)

        yield show


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "healthy": diagnosis.healthy,
        "program": diagnosis.program,
        "at": diagnosis.at,
        "findings": [
            {
                "id": each.id,
                "state": each.state,
                "title": each.title,
                "what": each.what,
                "remedy": each.remedy,
                "practitioner_id": each.subject or None,
                "command": each.action.command or None if each.action else None,
            }
            for each in diagnosis.findings
        ],
    }


def diagnosis_words(diagnosis: Diagnosis) -> None:
    """What is well in one line each, at the end; what is not with what to do."""
    for each in diagnosis.findings:
        out.print(f"{_SIGNS[each.state]}  {each.title}: {each.what}")
        if each.state == "ok":
            continue
        if each.remedy:
            out.print(f"      {each.remedy}")
        if each.action and each.action.command.startswith("run.py"):
            out.print(f"      python {each.action.command}")
    fails, warnings = diagnosis.count("fail"), diagnosis.count("warn")
    if not fails and not warnings:
        out.print("Everything is well.")
    else:
        out.print(f"{fails} to mend, {warnings} to look at.")


def transfer_words(report: TransferReport, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "were"
    for names, word in ((report.added, "added"), (report.changed, "changed")):
        for name in names:
            out.print(f"{name}: settings {verb} {word}")
    if report.practice_changed:
        out.print(f"The practice's own settings {verb} changed.")
    if report.sources_changed:
        out.print(f"The import sources {verb} changed.")
    if report.kept:
        out.print(f"Not in the file, so as before: {', '.join(report.kept)}.")
    if not report.changes:
        out.print("Nothing to change: the settings are already as in the file.")
