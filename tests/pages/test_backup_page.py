"""The backup page, and what the overview says of backups, through a simulated browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nicegui import ui

from companion.services.maintenance.backup import SECRETS
from tests.fakes.maintenance import FAIR
from tests.fakes.services import lived_in
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, press, until


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Visit]:
    home = tmp_path / "home"
    home.mkdir()
    async with visiting(await lived_in(home=home), tmp_path) as visit:
        yield visit


def buttons(visit: Visit, label: str) -> list[ui.button]:
    return [each for each in visit.elements(ui.button) if each.text == label]


def secrets(visit: Visit) -> list[ui.input]:
    """Passphrase and its repetition: of a backup to take along, then of the daily ones."""
    labels = {"Passphrase", "The same once more"}
    return [each for each in visit.elements(ui.input) if each.props.get("label") in labels]


def said(visit: Visit, what: str) -> bool:
    return any(what in (each.error or "") for each in visit.elements(ui.input))


async def switch_on(visit: Visit, folder: str, first: str = FAIR, second: str = FAIR) -> None:
    field(visit, "Folder").value = folder
    secrets(visit)[-2].value, secrets(visit)[-1].value = first, second
    press(button(visit, "Switch on daily backups"))


async def test_daily_backups_are_switched_on_changed_and_off(
    practice: Visit, tmp_path: Path
) -> None:
    disk = tmp_path / "usb disk"
    await practice.user.open("/backup")
    await practice.user.should_see("None yet.")
    await switch_on(practice, str(disk), second="another")
    await until(lambda: said(practice, "The two are not the same."))
    await switch_on(practice, str(disk), "short", "short")
    await until(lambda: said(practice, "fewer than 12 characters"))
    await switch_on(practice, "backups")
    await until(lambda: said(practice, "not the whole path"))
    assert not disk.exists()
    await switch_on(practice, str(disk))
    await practice.user.should_see("Back up now")
    (first,) = disk.iterdir()
    await practice.user.should_see(first.name)
    press(button(practice, "Change …"))
    await practice.user.should_see("Another passphrase")
    field(practice, "Time").value = "18:05"
    press(button(practice, "Save"))
    await practice.user.should_see("Every day at 18:05")
    press(button(practice, "Switch off …"))
    await practice.user.should_see("Switch daily backups off?")
    press(button(practice, "Switch off"))
    await practice.user.should_see("Switch on daily backups")
    assert first.exists()


async def test_a_folder_on_the_same_disk_asks_and_stays_marked(
    practice: Visit, tmp_path: Path
) -> None:
    disk = tmp_path / "same disk"
    await practice.user.open("/backup")
    await switch_on(practice, str(disk))
    await practice.user.should_see("On the same disk?")
    press(button(practice, "Use it all the same"))
    await practice.user.should_see("Back up now")
    await practice.user.should_see("if that disk fails, the backups are lost with it.")
    await until(lambda: len([*disk.iterdir()]) == 1)


async def test_what_fails_is_said_there_and_on_the_overview(
    practice: Visit, tmp_path: Path
) -> None:
    disk, daily = tmp_path / "usb disk", practice.application.services.daily_backups
    await daily.switch_on(str(disk), FAIR)
    disk.rmdir()
    await practice.user.open("/backup")
    for _press in range(2):
        press(button(practice, "Back up now"))
        await until(lambda: "cannot be reached" in practice.notices())
    await practice.user.should_see("The last try failed:")
    await practice.user.open("/")
    await practice.user.should_see("The daily backup fails:")
    disk.mkdir()
    await daily.make()
    await practice.user.open("/")
    await practice.user.should_not_see("The daily backup fails:")


async def fill(practice: Visit, first: str, second: str) -> None:
    await practice.user.open("/backup")
    secrets(practice)[0].value, secrets(practice)[1].value = first, second
    press(buttons(practice, "Make a backup")[0], "click")


async def test_a_backup_is_made_listed_and_deleted(practice: Visit) -> None:
    await fill(practice, FAIR, FAIR)
    await practice.user.should_see(".ccbackup")
    folder = practice.application.home / "backups"
    (file,) = folder.iterdir()
    backups = practice.application.services.backups
    assert SECRETS in await backups.prove(file, FAIR)
    press(buttons(practice, "Delete")[0], "click")
    await practice.user.should_see("Delete this backup?")
    press(buttons(practice, "Delete")[-1], "click")
    await until(lambda: not list(folder.iterdir()))
    await practice.user.should_see("None yet.")


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("short", "short", "fewer than 12 characters"),
        (FAIR, FAIR + "!", "The two are not the same."),
    ],
)
async def test_a_weak_passphrase_is_shown_at_its_field(
    practice: Visit, first: str, second: str, said: str
) -> None:
    await fill(practice, first, second)
    await until(lambda: any(said in (each.error or "") for each in practice.elements(ui.input)))
    assert not (practice.application.home / "backups").exists()
