"""Backups: one now, the daily ones, and putting one back."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.running import (
    DONE,
    FAILED,
    HELD,
    Home,
    Json,
    bare_command,
    command,
    run_command,
)
from companion.console import as_json, err, out
from companion.domain.errors import BadInput, CompanionError

if TYPE_CHECKING:
    from companion.environment import Environment
    from companion.services.assembly import Application
    from companion.services.maintenance.backup import BackupMade
    from companion.services.maintenance.backup_places import BackupStanding
    from companion.services.maintenance.restore import Restored

app = typer.Typer()
daily = typer.Typer(
    help="Backups made by themselves, every day, opened and read after they are written.",
    invoke_without_command=True,
)
app.add_typer(daily, name="backups")
SignIns = Annotated[
    bool, typer.Option("--sign-ins/--no-sign-ins", help="With the Google sign-ins and links.")
]


@command(app, who="a backup")
async def backup(
    application: Application,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    sign_ins: SignIns = True,
    json: Json = False,
) -> None:
    """Everything in one file that only its passphrase opens (asked, or COMPANION_BACKUP_KEY)."""
    passphrase = _passphrase(twice=True)
    made = await application.backups.back_up(file, passphrase, sign_ins=sign_ins)
    _made(made, json=json)


@bare_command(app)
async def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    sign_ins: Annotated[
        bool,
        typer.Option("--sign-ins/--no-sign-ins", help="Take the backup's sign-ins, if it has any."),
    ] = True,
    restart: Annotated[
        bool, typer.Option("--restart", help="Stop the app for it, and start it again.")
    ] = False,
    home: Home = "",  # noqa: ARG001 - its callback uses it
    json: Json = False,
) -> None:
    """Put a backup in place of what is here. What was here is kept."""
    from companion.environment import Environment
    from companion.restoring import restoring_of

    environment = Environment.of_process()
    restoring_of(environment).refuse_shared()  # before anything is asked for
    passphrase = _passphrase(twice=False)
    from companion.services.maintenance.backup import VARIABLE

    os.environ.pop(VARIABLE, None)  # not for the app that is started again
    if restart:
        done = await _restarted(environment, file, passphrase, sign_ins=sign_ins)
    else:
        done = await restoring_of(environment).restore(file, passphrase, sign_ins=sign_ins)
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


async def _restarted(
    environment: Environment, file: Path, passphrase: str, *, sign_ins: bool
) -> Restored:
    """The app is stopped, and started again whatever came of the restore; a page that waits finds
    the report. It is looked into before, so that the app is not stopped in vain."""
    from companion.commands.desktop import start_again, stop_app
    from companion.restoring import restoring_of
    from companion.services.maintenance.restore_here import RestoreReport, write_report

    ran = False
    report = RestoreReport(done=False, what="The restore ended without saying why.")
    try:
        await restoring_of(environment).look(file, passphrase)
        ran = await stop_app(environment.home)
        done = await restoring_of(environment).restore(file, passphrase, sign_ins=sign_ins)
        report = RestoreReport(
            done=True,
            what=f"The backup with {done.manifest.appointments:,} appointments is in place.",
            remedy=f"What was here before lies in {done.aside}.",
        )
    except CompanionError as error:
        report = RestoreReport(done=False, what=error.what, remedy=error.remedy)
        raise
    finally:
        with suppress(OSError):
            write_report(environment.home, report)
        if ran:
            await start_again(environment.home)
    return done


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

    from companion.services.maintenance.backup import VARIABLE, check_passphrase

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


@daily.callback()
def status(context: typer.Context, json: Json = False) -> None:
    """Where they go, when the last good one was made, and what is wrong; exit 1 then."""
    if context.invoked_subcommand:
        return

    async def work(application: Application) -> int:
        standing = await application.daily_backups.standing()
        zone = application.settings.read().practice.timezone
        if json:
            as_json(_standing_json(standing))
        else:
            _standing_words(standing, zone)
        return FAILED if standing.what or standing.old else DONE

    run_command(work, json=json)


@command(daily, "on", who="a backup")
async def switch_on(
    application: Application,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="On another disk, or a share.")],
    at: Annotated[str, typer.Option(metavar="HH:MM", help="Of the practice's clock.")] = "12:30",
    same_disk: Annotated[
        bool, typer.Option("--same-disk", help="The folder may be on this computer's own disk.")
    ] = False,
    sign_ins: SignIns = True,
    json: Json = False,
) -> int:
    """Make them from now on, the first one at once. The passphrase is asked for, and kept sealed;
    exit 3 for a folder on the same disk."""

    from companion.services.maintenance.daily_backups import SameDisk

    backups = application.daily_backups
    try:
        if not (await backups.look(folder) or same_disk):
            raise SameDisk(folder)
        passphrase = "" if await backups.passphrase() else _passphrase(twice=True)
        await backups.switch_on(
            folder, passphrase, at=_time(at), sign_ins=sign_ins, same_disk=same_disk
        )
    except SameDisk as error:
        if json:
            as_json({"held": True, "what": error.what})
        else:
            err.print(f"{error.what} {error.remedy}\nOr, if it is meant so: --same-disk")
        return HELD
    _made(await backups.make(), json=json)
    return DONE


@command(daily, "now", who="a backup")
async def make_now(application: Application, json: Json = False) -> None:
    """One more, now."""
    _made(await application.daily_backups.make(), json=json)


@command(daily, "off")
async def switch_off(application: Application, json: Json = False) -> None:
    """Make no more of them; those that were made stay, the passphrase is forgotten."""
    await application.daily_backups.switch_off()
    if json:
        as_json({"on": False})
    else:
        out.print("No backups are made by themselves any more. Those that were made stay.")


def _made(made: BackupMade, *, json: bool) -> None:
    if json:
        as_json({"file": str(made.path), "bytes": made.size, **_contents(made.manifest)})
    else:
        err.print(
            f"Backup of {made.manifest.appointments} appointments written to {made.path} "
            f"({made.size / 1e6:.1f} MB), opened again and read. Keep its passphrase where it is "
            "not lost."
        )


def _standing_json(standing: BackupStanding) -> dict[str, Any]:
    last = standing.last
    return {
        "on": standing.on,
        "folder": standing.plan.folder or None,
        "other_disk": standing.plan.other_disk,
        "at": standing.plan.at.isoformat("minutes"),
        "last": None
        if last is None
        else {"file": last.path, "made_at": last.made_at, "on": standing.where(last) or None},
        "kept": [each.path for each in standing.good],
        "kept_on": standing.counts(),
        "old": standing.old,
        "error": {"what": standing.what, "remedy": standing.remedy} if standing.what else None,
    }


def _standing_words(standing: BackupStanding, zone: str) -> None:
    if not standing.on:
        out.print(
            "No backups are made by themselves. Switch it on: python run.py backups on FOLDER"
        )
    else:
        disk = "" if standing.plan.other_disk else " (this computer's own disk)"
        out.print(f"Every day at {standing.plan.at:%H:%M} to {standing.plan.folder}{disk}")
    if standing.last is not None:
        from zoneinfo import ZoneInfo

        made = standing.last.made_at.astimezone(ZoneInfo(zone))
        place, counts = standing.where(standing.last), standing.counts()
        kept = ", ".join(f"{count} on {name}" for name, count in counts.items())
        kept = f"{len(standing.good)} kept{kept and f': {kept}'}"
        out.print(f"Last good backup: {made:%d/%m/%Y %H:%M}{place and f', on {place}'} ({kept})")
    elif standing.out_of_reach is not None:
        place = standing.where(standing.out_of_reach)
        out.print(f"None is within reach: the newest is on {place}.")
    elif standing.on:
        out.print("None has been made yet.")
    if standing.what:
        out.print(f"The last try failed: {standing.what} {standing.remedy}")


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text.strip().zfill(5)).replace(second=0, microsecond=0)
    except ValueError:
        raise BadInput(
            f'"{text[:20]}" is not a time.', "Write it like 12:30.", field="usage"
        ) from None
