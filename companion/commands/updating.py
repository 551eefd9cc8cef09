"""Updates: what the program does for one, before and after its files are exchanged.

In a folder `run.py update` does the exchange (`companion.launcher.update`) and calls these steps.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from companion.adapters.practice_note import has_joined
from companion.commands.desktop import start_again, stop_app
from companion.commands.running import Json, bare_command
from companion.console import as_json, out
from companion.desktop.program import Program
from companion.domain.errors import BadInput, CompanionError
from companion.environment import Environment
from companion.services.pools import BACKUPS

app = typer.Typer()
step = typer.Typer(hidden=True)
app.add_typer(step, name="update-step", hidden=True)
_INSTALLERS = {
    "uv-receipt.toml": 'uv tool install --force "{file}"',
    "pipx_metadata.json": 'pipx install --force "{file}"',
}
"""What installed it leaves this file in its environment."""


@bare_command(step, "keep")
async def keep_step() -> None:
    """What is ill before; a backup where daily ones are on; the app stopped, the data copied."""
    environment = Environment.of_process()
    ran = False
    try:
        facts = await _before(environment)
        ran = await stop_app(environment.home)
        from companion.updating import keep

        kept = await BACKUPS.run(keep, environment)
    except CompanionError as error:
        as_json({"ran": ran, "error": {"what": error.what, "remedy": error.remedy}})
        raise
    as_json({**facts, "ran": ran, "kept": None if kept is None else str(kept)})


@bare_command(step, "put-back")
async def put_back_step(folder: Path) -> None:
    """The data as they were before."""
    from companion.updating import put_back

    await BACKUPS.run(put_back, Environment.of_process(), folder)


@bare_command(step, "start")
async def start_step() -> None:
    """The app, where it was before."""
    await start_again(Environment.of_process().home)


@bare_command(app)
async def update(
    file: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Of a newer version.")],
    json: Json = False,
) -> None:
    """Put a newer version in place; goes back by itself if it fails. As pipx or uv installed it:
    stop the app and copy the data, then say which command does the rest."""
    from companion.updating import keep

    if Program.of_process().script is not None:
        raise BadInput(
            "The version in this folder is changed by run.py.",
            f'Type: python run.py update "{file}"',
            field="usage",
        )
    if file.suffix.lower() != ".whl" or not file.is_file():
        raise BadInput(
            f"{file.name} is not the wheel of a newer version.",
            "Here it was installed by pipx, uv or pip: fetch the file that ends in .whl.",
            field="file",
        )
    environment = Environment.of_process()
    await _before(environment)
    ran = await stop_app(environment.home)
    kept = await BACKUPS.run(keep, environment)
    installing = _installer().format(file=file.resolve())
    if json:
        kept_in = None if kept is None else str(kept)
        as_json({"stopped": ran, "kept": kept_in, "next": installing})
        return
    if ran:
        out.print("The app is stopped.")
    if kept is not None:
        out.print(f"The data as they are now were copied to {kept}")
    out.print(f"Now type: {installing}")
    out.print("and then: companion doctor && companion start")


def _installer() -> str:
    for name, command in _INSTALLERS.items():
        if (Path(sys.prefix) / name).is_file():
            return command
    return f'"{sys.executable}" -m pip install "{{file}}"'


async def _before(environment: Environment) -> dict[str, Any]:
    """Ids of what the doctor finds wrong, and why no backup could be made on the other disk."""
    from companion.main import open_companion

    if not environment.book.exists() and not has_joined(environment.home):
        return {"failing": [], "warning": ""}
    warning = ""
    async with open_companion(environment, holder=HOLDER) as application:
        diagnosis = await application.doctor.examine(offline=True)
        daily = application.daily_backups
        if (await daily.standing()).on:
            with suppress(CompanionError):
                await daily.make()
                return {"failing": _failing(diagnosis), "warning": ""}
            warning = "No backup could be made on the other disk."
            if environment.book.exists():
                warning = f"{warning[:-1]}; the data are copied here."
    return {"failing": _failing(diagnosis), "warning": warning}


def _failing(diagnosis: Any) -> list[str]:
    return [each.id for each in diagnosis.findings if each.state == "fail"]


HOLDER = "an update"
