"""The doctor, backups, and settings as a file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import companion
from companion.commands.running import (
    DONE,
    FAILED,
    Json,
    interrupted,
    run_command,
    stumbled,
)
from companion.domain.errors import BadInput, CompanionError

if TYPE_CHECKING:
    from companion.main import House

app = typer.Typer()
settings_file = typer.Typer(help="All settings as a file, without secrets.", no_args_is_help=True)
app.add_typer(settings_file, name="settings-file")


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
    from companion.services.care.doctor import closed_home

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

    run_command(work, json=json, who="a backup")


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

    from companion.services.care.backup import VARIABLE, check_passphrase

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
        code = interrupted()
    except CompanionError as error:
        if json:
            as_json({"error": error_json(error)})
        trouble(error)
        code = FAILED
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        code = stumbled(error, json=json)
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

    run_command(work, json=json)


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
        if json:
            as_json({"dry_run": dry_run, **_report_fields(report)})
        else:
            transfer_words(report, dry_run=dry_run)

    run_command(work, json=json)


def _report_fields(report: Any) -> dict[str, Any]:
    return {
        "added": list(report.added),
        "changed": list(report.changed),
        "unchanged": report.unchanged,
        "kept": list(report.kept),
        "practice_changed": report.practice_changed,
        "sources_changed": report.sources_changed,
    }
