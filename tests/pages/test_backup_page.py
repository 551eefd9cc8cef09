"""The backup page, and what the overview says of backups, through a simulated browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.errors import BadInput
from companion.services.maintenance.backup import SECRETS, Manifest
from companion.services.maintenance.restore import BackupContents
from companion.services.maintenance.restore_here import RestoreReport, write_report
from companion.web.ui.theme import Text
from tests.fakes.maintenance import FAIR
from tests.fakes.services import TUESDAY, lived_in
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, press, until


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Visit]:
    home = tmp_path / "home"
    home.mkdir()
    async with visiting(await lived_in(home=home), tmp_path) as visit:
        yield visit


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
    assert field(practice, "Time").props.get("type") != "time"
    field(practice, "Time").value = "6:05 pm"
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
    press(button(practice, "Make a backup"))


async def test_a_backup_is_made_listed_and_deleted(practice: Visit) -> None:
    await fill(practice, FAIR, FAIR)
    await practice.user.should_see(".ccbackup")
    folder = practice.application.home / "backups"
    (file,) = folder.iterdir()
    backups = practice.application.services.backups
    assert SECRETS in await backups.prove(file, FAIR)
    press(button(practice, "Delete"))
    await practice.user.should_see("Delete this backup?")
    press(button(practice, "Delete"))
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


def contents(visit: Visit) -> BackupContents:
    """A backup of this practice, three appointments of its first practitioner ago."""
    settings = visit.application.settings.read()
    first, *rest = settings.practitioners
    manifest = Manifest(
        version=1,
        program="1.2.2",
        made_at=TUESDAY - timedelta(days=1),
        install_id=settings.install_id,
        practice=settings.practice.name,
        practitioners=len(rest),
        appointments=3,
        feeds=0,
        sign_ins=True,
    )
    return BackupContents(
        manifest=manifest,
        settings=settings.without_practitioner(first),
        appointments=dict.fromkeys(rest, 3),
        feeds=0,
        last_import=None,
    )


async def test_a_backup_is_looked_into_and_put_in_place(practice: Visit) -> None:
    folder = practice.application.home / "backups"
    folder.mkdir()
    (folder / "monday.ccbackup").write_bytes(b"sealed")
    restoring = practice.application.restoring
    await practice.user.open("/backup")
    press(button(practice, "Look into it"))
    await until(lambda: "No backup is chosen." in practice.notices())
    field(practice, "Backup").value = "kept monday.ccbackup"
    await until(lambda: "monday.ccbackup" in [e.text for e in practice.elements(Text)])
    press(button(practice, "Look into it"))
    await until(lambda: said(practice, "Type it."))
    restoring.contents = BadInput("Not that one.", "Try again.", field="passphrase")
    field(practice, "Its passphrase").value = FAIR
    press(button(practice, "Look into it"))
    await until(lambda: said(practice, "Not that one."))
    restoring.contents = contents(practice)
    press(button(practice, "Look into it"))
    gone = next(iter(practice.application.settings.read().practitioners.values()))
    await practice.user.should_see(f"{gone.practitioner.name}: would be gone.")
    press(button(practice, "Put it in place …"))
    await practice.user.should_see("Everything becomes as it was on")
    assert restoring.begun == []
    press(button(practice, "Put it in place"))
    await practice.user.should_see("The backup is being put in place")
    assert restoring.begun == [(folder / "monday.ccbackup", FAIR, True)]


async def test_what_came_of_it_is_said_until_it_is_seen(practice: Visit) -> None:
    for done, words in ((True, "Import the latest export now"), (False, "Nothing was changed")):
        report = RestoreReport(done=done, what="So it went.", remedy="And so on.")
        write_report(practice.application.home, report)
        await practice.user.open("/backup")
        await practice.user.should_see("So it went.")
        await practice.user.should_see(words)
        press(button(practice, "Seen"))
        await practice.user.should_not_see("So it went.")
    await practice.user.open("/backup")
    await practice.user.should_not_see("So it went.")
