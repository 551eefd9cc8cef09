"""Backups and restoring as services: what goes in, what is proven, what is prepared."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.domain.errors import BadInput, SecretsUnavailable
from companion.services.maintenance.backup import BOOK, MANIFEST, SECRETS, SETTINGS, weakness_of
from companion.services.ports import BookChange
from tests.fakes.backup_fixture import Fixture, appointment
from tests.fakes.maintenance import FAIR


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(folder=tmp_path)


async def test_a_backup_says_what_it_holds(fixture: Fixture) -> None:
    await fixture.book.apply(BookChange(put=[appointment()]), fixture.clock.now())
    await fixture.secrets.put("google/token/anna", "a token")
    made = await fixture.backups().back_up(fixture.file, FAIR)
    assert made.size == fixture.file.stat().st_size
    assert (made.manifest.appointments, made.manifest.practitioners) == (1, 1)
    sizes = await fixture.backups().prove(fixture.file, FAIR)
    assert set(sizes) == {MANIFEST, SETTINGS, BOOK, SECRETS}
    content = fixture.file.read_bytes()
    for word in (b"Banksia", b"Anna", b"a token", b"anna"):
        assert word not in content
    assert [*(fixture.home / "drafts").iterdir()] == []
    assert fixture.activity.lines[-1].text == "A backup was made."


async def test_without_sign_ins_no_secret_is_even_asked_for(fixture: Fixture) -> None:
    fixture.secrets.trouble = SecretsUnavailable()
    await fixture.backups().back_up(fixture.file, FAIR, sign_ins=False)
    assert SECRETS not in await fixture.backups().prove(fixture.file, FAIR)


async def test_sign_ins_that_cannot_be_opened_say_how_to_go_on(fixture: Fixture) -> None:
    fixture.secrets.trouble = SecretsUnavailable()
    with pytest.raises(SecretsUnavailable, match="without the sign-ins"):
        await fixture.backups().back_up(fixture.file, FAIR)
    assert not fixture.file.exists()
    assert [*(fixture.home / "drafts").iterdir()] == []


@pytest.mark.parametrize(
    "weak",
    ["", "   short   ", "aaaaaaaaaaaaaaaa", "abababababab", "passwordpassword", "Password1234"],
)
async def test_a_weak_passphrase_makes_no_backup(fixture: Fixture, weak: str) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.backups().back_up(fixture.file, weak)
    assert caught.value.field == "passphrase"
    assert not fixture.file.exists()


@pytest.mark.parametrize("fair", [FAIR, "Wombat-Teapot-19", "καλημέρα ωραία θάλασσα"])
def test_a_fair_passphrase_is_taken(fair: str) -> None:
    assert weakness_of(fair) == ""


async def test_those_kept_in_the_home_are_listed_newest_first_and_discarded(
    fixture: Fixture,
) -> None:
    backups = fixture.backups()
    assert await backups.kept() == []
    first = await backups.back_up(None, FAIR)
    fixture.clock.shift(61)
    second = await backups.back_up(None, FAIR)
    assert {path for path, _, _ in await backups.kept()} == {first.path, second.path}
    await backups.discard(first.path.name)
    assert [path for path, _, _ in await backups.kept()] == [second.path]
    for name in (first.path.name, "../settings.json", ""):
        with pytest.raises(BadInput):
            await backups.discard(name)
