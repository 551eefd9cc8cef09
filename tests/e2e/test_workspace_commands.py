"""A whole Google Workspace by commands: the key, what to authorise, everybody connected and
uploaded at once, a new key, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from companion.cli import app
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST
from tests.e2e.command_home import CommandHome, open_desk, write_export

ROBOT = "sync@clinic.iam.gserviceaccount.com"
SCOPES = f"{APP_CREATED},{CALENDAR_LIST}"
PEOPLE = {"Ben Muster": "ben@clinic.example", "Cleo Sample": "cleo@clinic.example"}


class Workspace(CommandHome):
    """Anna has no e-mail; Ben and Cleo have, and accounts of the organisation."""

    def new_key(self) -> Path:
        with self.google.lock:
            made = self.google.api.delegation.new_key(ROBOT, self.google.base_url)
        path = self.home.parent / "key.json"
        path.write_text(json.dumps(made), encoding="utf-8")
        return path

    @property
    def client_id(self) -> str:
        return self.google.api.delegation.accounts[ROBOT].client_id

    def authorise(self, *scopes: str) -> None:
        """As the administrator does, with what was shown for copying."""
        with self.google.lock:
            self.google.api.delegation.authorise(self.client_id, "clinic.example", scopes)

    def calendars(self) -> dict[str, int]:
        """How many of ours each account owns."""
        owners = [each.owner for each in self.google.google.calendars.values() if not each.primary]
        return {owner: owners.count(owner) for owner in owners}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Workspace]:
    with open_desk(tmp_path, Workspace) as made:
        for name, email in PEOPLE.items():
            made.run("practitioners", "add", name, "--email", email)
            with made.google.lock:
                made.google.google.add_account(email, name=name, timezone="Australia/Sydney")
        yield made


def test_everybody_is_connected_and_uploaded_by_two_commands(desk: Workspace) -> None:
    said = desk.run("google", "client", desk.new_key())
    assert f"Client ID: {desk.client_id}" in said
    assert f"OAuth scopes: {SCOPES}" in said

    refused: dict[str, Any] = desk.json("google", "connect", "--all", code=1)
    assert [each["practitioner"] for each in refused["refused"]] == list(PEOPLE)
    assert desk.client_id in refused["refused"][0]["remedy"]
    assert refused["without_login"] == ["Anna Example"]

    shown = desk.json("google", "client")["service_account"]
    desk.authorise(*shown["scopes"])
    desk.run("import", write_export(desk.home.parent / "export.csv", 6), "--yes")
    done = desk.json("google", "connect", "--all", "--upload")
    assert [each["account"] for each in done["connected"]] == list(PEOPLE.values())
    assert [each["practitioner"] for each in done["practitioners"]] == list(PEOPLE)
    assert desk.calendars() == dict.fromkeys(PEOPLE.values(), 1)

    assert "2 were connected already" in desk.run("google", "connect", "--all")
    assert [each["error"] for each in desk.json("upload", "--all")["practitioners"]] == [None, None]


def test_one_who_was_left_out_is_connected_by_name(desk: Workspace) -> None:
    desk.run("google", "client", desk.new_key())
    desk.authorise(APP_CREATED, CALENDAR_LIST)
    desk.run("google", "connect", "Anna Example", code=1)
    said = desk.run("google", "connect", "Anna Example", "--login", "anna@clinic.example")
    assert "connected as anna@clinic.example" in said
    assert "Succeeded" in desk.run("google", "check", "Anna Example")


def test_a_new_key_takes_over_and_a_used_one_is_not_removed(desk: Workspace) -> None:
    desk.run("google", "client", desk.new_key())
    desk.authorise(APP_CREATED, CALENDAR_LIST)
    desk.run("google", "connect", "Ben Muster")
    with desk.google.lock:
        desk.google.api.delegation.accounts[ROBOT].keys.clear()
    desk.run("google", "test", "Ben Muster", code=1)
    assert "Nobody has to connect again" in desk.run("google", "client", desk.new_key())
    assert "Succeeded" in desk.run("google", "test", "Ben Muster")
    desk.run("google", "client", "--remove-key", code=1)
    desk.run("google", "disconnect", "Ben Muster")
    assert "Service account: not added yet" in desk.run("google", "client", "--remove-key")


def test_who_signed_in_keeps_calendar_and_events_when_the_service_account_takes_over(
    desk: Workspace,
) -> None:
    desk.run("import", write_export(desk.home.parent / "export.csv", 20), "--yes")
    desk.connect()
    desk.run("upload", "Anna Example")
    before = {event["id"]: event["etag"] for event in desk.live()}
    desk.run("google", "client", desk.new_key())
    scopes = desk.json("google", "client")["service_account"]["scopes"]
    assert len(scopes) == 3  # her calendar was made by the client with which she signed in
    desk.authorise(*scopes)
    desk.run("google", "connect", "--all")
    (anna, *_) = desk.json("sync", "--all")["practitioners"]
    assert (anna["unchanged"], anna["inserted"], anna["updated"], anna["deleted"]) == (20, 0, 0, 0)
    assert {event["id"]: event["etag"] for event in desk.live()} == before


WRONG = [
    ["connect"],
    ["connect", "Anna Example", "--all"],
    ["connect", "--all", "--login", "anna@clinic.example"],
    ["connect", "Anna Example", "--upload"],
    ["client", "FILE", "--remove-key"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_does_not_go_together_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    home = {"COMPANION_HOME": str(tmp_path / "home")}
    result = CliRunner().invoke(app, ["google", *arguments], env=home)
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "home").exists()
