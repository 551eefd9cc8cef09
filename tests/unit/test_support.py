"""The support bundle: secrets and names planted everywhere, and none of them in the zip."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from companion.domain.appointments import Appointment
from companion.domain.errors import SecretsDamaged, StoreDamaged
from companion.domain.settings import Settings
from companion.services.maintenance.doctor import closed_home
from companion.services.maintenance.scrub import Scrub, program_words
from companion.services.maintenance.support import _People, _settings, bare_bundle
from companion.services.ports import BookChange
from tests.fakes.book_store import MemoryBook
from tests.fakes.support_fixture import (
    NAMES,
    OTHERS,
    PASSPHRASE,
    PEOPLE,
    SECRETS,
    Fixture,
    appointments,
    diagnosis,
    forms,
    found_in,
    members,
    planted,
)


@pytest.fixture
async def fixture(tmp_path: Path) -> Fixture:
    made = Fixture(tmp_path)
    await made.plant()
    return made


def test_the_search_itself_finds_what_is_there() -> None:
    """Otherwise the tests below could not fail."""
    for line in planted():
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("log", line)
        searched = any(
            form in line.encode() for secret in SECRETS for form in forms(secret)
        ) or any(n in line or n.upper() in line for n in (*NAMES, *PEOPLE, *OTHERS))
        assert bool(found_in(archive.getvalue())) >= searched


async def test_nothing_that_was_planted_is_in_the_bundle(fixture: Fixture) -> None:
    bundle = await fixture.support().bundle(diagnosis(fixture.clock.now()))
    assert found_in(bundle) == []


async def test_the_name_of_a_former_client_is_hidden_too(fixture: Fixture) -> None:
    ids = [each.id for each in appointments()]
    await fixture.book.apply(BookChange(remove=ids), fixture.clock.now())
    bundle = await fixture.support().bundle(diagnosis(fixture.clock.now()))
    assert found_in(bundle) == []


async def test_a_name_is_hidden_even_when_the_program_says_that_word(fixture: Fixture) -> None:
    scrub = Scrub(hidden=["Price"], words=frozenset({"price", "failed", "for"}))
    assert scrub.line("failed for Price, PRICE and price") == "failed for …"


async def test_the_bundle_still_says_what_a_helper_needs(fixture: Fixture) -> None:
    log = fixture.home / "companion.log"
    log.write_text(
        "2026-03-02 09:00:00,123 ERROR companion.main: an internal error "
        "[ValueError at importing.py:120 < cli.py:88]\n",
        encoding="utf-8",
    )
    parts = members(await fixture.support().bundle(diagnosis(fixture.clock.now())))
    assert parts["log/companion.log"].startswith(
        "2026-03-02 09:00:00,123 ERROR companion.main: an internal error "
        "[ValueError at importing.py:120 < cli.py:88]"
    )
    settings = json.loads(parts["settings.json"])
    anna = settings["practitioners"]["practitioner-1"]
    assert anna["choices"]["days_in_advance"] == 45
    assert anna["google"]["account"] == "set"
    assert anna["google"]["scopes"] == ["openid"]
    assert anna["practitioner"]["timezone"] == "Australia/Sydney"
    counts = json.loads(parts["counts.json"])
    assert counts["appointments"] == len(NAMES)
    assert counts["practitioners"]["practitioner-1"]["ledger"] == {"ok": 1}
    assert json.loads(parts["sync.json"])["practitioner-1"]["trouble"] == "WrongAccount"
    (finding,) = json.loads(parts["doctor.json"])["findings"]
    assert finding["id"] == "sign-in:practitioner-1"
    assert finding["what"].startswith("Google no longer accepts this practitioner's sign-in.")
    assert json.loads(parts["versions.json"]) == {"Calendar Companion": "1.2.3", "Python": "3.11.9"}
    assert "made 02/03/2026 09:00 UTC" in parts["README.txt"]


async def test_broken_stores_cost_their_part_and_not_the_bundle(fixture: Fixture) -> None:
    fixture.secrets.trouble = SecretsDamaged()

    class Broken(MemoryBook):
        async def count(self, practitioner_id: str | None = None) -> int:
            raise StoreDamaged

        async def appointments(self, *_: object) -> list[Appointment]:
            raise StoreDamaged

    fixture.book = Broken()
    bundle = await fixture.support().bundle(diagnosis(fixture.clock.now()))
    assert json.loads(members(bundle)["counts.json"]) == {"error": "StoreDamaged"}
    assert json.loads(members(bundle)["sync.json"])["practitioner-1"]["trouble"]
    # Without the book and the secrets to compare with, the first net alone still holds.
    assert [each for each in found_in(bundle) if each.casefold() != "price"] == []


async def test_settings_that_cannot_be_read_cost_theirs(fixture: Fixture) -> None:
    class Broken:
        def read(self) -> Settings:
            raise StoreDamaged

    support = fixture.support()
    support.settings = Broken()  # type: ignore[assignment] # only `read` is asked for
    parts = members(await support.bundle())
    assert json.loads(parts["settings.json"]) == {"error": "StoreDamaged"}
    assert "doctor.json" not in parts


async def test_a_home_that_does_not_open_still_gives_its_logs(fixture: Fixture) -> None:
    found = closed_home(StoreDamaged(), "1.2.3", fixture.clock.now())
    bundle = bare_bundle(
        found, home=fixture.home, log_name="companion.log", versions={"Python": "3"}
    )
    assert {"README.txt", "doctor.json", "versions.json", "log/companion.log"} <= {*members(bundle)}
    assert [each for each in found_in(bundle) if each.casefold() != "price"] == []


async def test_a_secret_across_the_scrub_s_word_edges_is_gone(fixture: Fixture) -> None:
    scrub = Scrub(hidden=[PASSPHRASE])
    for word in PASSPHRASE.split():
        assert word not in scrub.line(f"the {word} of it")


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("failed at importing.py:120", "failed at importing.py:120"),
        ("card 4929123456781234 of 0412345678", "…"),
        ("2026-03-02 09:00:00,123", "2026-03-02 09:00:00,123"),
    ],
)
def test_short_numbers_stay_and_long_ones_go(line: str, left: str) -> None:
    scrubbed = Scrub(words=frozenset({"failed", "at", "importing", "py"})).line(line)
    assert scrubbed == left


def test_the_program_s_words_hold_no_invented_people() -> None:
    assert {"mirabel", "featherstone"}.isdisjoint(program_words())
    assert {"companion", "google", "importing", "valueerror"} <= program_words()


def test_no_text_of_settings_gets_through_unasked() -> None:
    fixture = Fixture(Path("nowhere"))
    settings = fixture.settings.read()
    changed = replace(settings, practice=replace(settings.practice, feed_host="clinic.lan"))
    text = json.dumps(_settings(changed, _People(changed)))
    assert "clinic.lan" not in text
    assert "Australia/Sydney" in text
