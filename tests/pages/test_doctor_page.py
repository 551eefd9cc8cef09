"""The doctor, and settings as a file, through a simulated browser."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.errors import SecretsDamaged
from companion.services.ports import Assumption
from tests.fakes.maintenance import FAIR
from tests.fakes.services import lived_in, the_sample
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, drop, press, until

PEOPLE = the_sample().practitioners


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Visit]:
    home = tmp_path / "home"
    home.mkdir()
    application = await lived_in(home=home)
    daily = application.services.daily_backups
    await daily.switch_on(str(tmp_path / "usb disk"), FAIR)
    await daily.make()
    async with visiting(application, tmp_path) as visit:
        yield visit


def buttons(visit: Visit, label: str) -> list[ui.button]:
    return [each for each in visit.elements(ui.button) if each.text == label]


async def test_findings_come_by_themselves_the_worst_first(practice: Visit) -> None:
    await practice.user.open("/doctor")
    await practice.user.should_see("1 to mend; the rest is well.")
    await practice.user.should_see(f"Sign-in of {PEOPLE[2].name}")
    await practice.user.should_see("Well (")
    (connect,) = buttons(practice, "Connect to Google")
    assert connect.props["href"] == f"/oauth/start/{PEOPLE[2].id}"


async def test_checking_again_shows_what_has_changed(practice: Visit) -> None:
    practice.application.google.revoked.clear()
    practice.application.probes.offset = timedelta(minutes=-9)
    await practice.user.open("/doctor")
    await practice.user.should_see("This computer's clock is 9 minutes fast.")
    practice.application.probes.offset = timedelta()
    press(button(practice, "Check again"))
    await practice.user.should_see("Everything is well.")


async def test_an_open_data_folder_is_closed_by_a_button(practice: Visit) -> None:
    practice.application.google.revoked.clear()
    practice.application.rights.who = "every user of this computer"
    await practice.user.open("/doctor")
    await practice.user.should_see("1 to look at; the rest is well.")
    press(button(practice, "Close the data folder"))
    await practice.user.should_see("From now on only you can open the data folder.")
    await practice.user.should_see("Everything is well.")
    assert buttons(practice, "Close the data folder") == []


async def test_sign_ins_that_do_not_open_are_set_aside_after_a_question(practice: Visit) -> None:
    practice.application.secrets.trouble = SecretsDamaged()
    await practice.user.open("/doctor")
    await practice.user.should_see("Set the sign-ins aside")
    press(button(practice, "Set the sign-ins aside"))
    await practice.user.should_see("everybody connects to Google again")
    assert practice.application.secrets.trouble is not None
    press(button(practice, "Set the sign-ins aside"))
    await until(lambda: "were set aside" in practice.notices())
    assert practice.application.secrets.trouble is None


async def test_the_support_bundle_is_handed_out(practice: Visit) -> None:
    await practice.user.open("/doctor")
    press(button(practice, "Support bundle"))
    answer = await practice.user.download.next(timeout=30)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert "settings.json" in bundle.namelist()
        assert PEOPLE[0].name.encode() not in b"".join(map(bundle.read, bundle.namelist()))


async def test_google_is_tested_in_one_account_and_the_report_is_handed_out(
    practice: Visit,
) -> None:
    practice.application.google.assumptions = (
        Assumption(id="own-id", assumed="An id is kept."),
        Assumption(id="batch", assumed="A batch answers in order.", came="[200, 404]"),
    )
    await practice.user.open("/doctor")
    press(button(practice, "Test Google"))
    await practice.user.should_see("In whose account")
    press(button(practice, "Start the test"))
    await practice.user.should_see("Instead: [200, 404]")
    await practice.user.should_see("Google differs in 1 of 3 points")
    press(button(practice, "Save the report"))
    answer = await practice.user.download.next(timeout=30)
    assert b"DIFFERS: A batch answers in order. Instead: [200, 404]" in answer.content
    assert PEOPLE[0].name.encode() not in answer.content


async def test_settings_are_looked_at_before_they_are_taken(practice: Visit) -> None:
    document = json.loads(practice.application.services.transfer.export())
    document["practice"]["name"] = "Somewhere Else"
    await practice.user.open("/backup")
    await drop(practice, json.dumps(document), "settings.json", -1)
    await practice.user.should_see("The practice's own settings would be changed.")
    assert practice.application.settings.read().practice.name != "Somewhere Else"
    press(button(practice, "Apply"))
    await until(lambda: practice.application.settings.read().practice.name == "Somewhere Else")


async def test_a_wrong_value_in_a_settings_file_is_named(practice: Visit) -> None:
    document = json.loads(practice.application.services.transfer.export())
    document["practitioners"][0]["choices"]["days_in_advance"] = "many"
    await practice.user.open("/backup")
    await drop(practice, json.dumps(document), "settings.json", -1)
    await practice.user.should_see(f"practitioners.{PEOPLE[0].id}.choices.days_in_advance")
