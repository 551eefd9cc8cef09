"""One passphrase, however a keyboard composes its letters; and files from before that."""

from __future__ import annotations

import io
import os
import unicodedata
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from companion.adapters.backup.sealing import SealedReader, SealingWriter
from companion.adapters.crypto import spellings
from companion.adapters.passwords import Argon2Passwords
from companion.domain.errors import BadInput, SecretsDamaged
from companion.services.maintenance.backup import weakness_of
from tests.fakes.maintenance import QUICK
from tests.fakes.sealed_home import Home

TYPED = "fünf Äpfel im Körbchen"
FORMS = {form: unicodedata.normalize(form, TYPED) for form in ("NFC", "NFD")}
WIDE = "ｆünf Äpfel im Körbchen"
"""With the wide f that some input methods give."""

EARLIER_BACKUP = (
    b'CCBACKUP1\n{"salt":"BwcHBwcHBwcHBwcHBwcHBw==","time":1,"memory_kib":64,"lanes":1,'
    b'"check":"24bbe4eb1cce80962490ed7ebec9162c0183de6b979a57ca405383ece82352ee",'
    b'"nonce":"BwcHBwcHBw=="}\nt@\xd9nj\x0c\x9d1\xbb\x05\x82\x183,\x1c\x8a\x12\x91\t\xce'
)
"""Of "book", by a program that took the passphrase as a Macintosh gave it (NFD)."""
EARLIER_SECRETS = """{
 "version": 1,
 "key": {"kind": "passphrase", "salt": "zjwBqOnixvzT6PGNeTkUiw==", "time": 3,
  "memory_kib": 65536, "lanes": 4},
 "seal": {"generation": 1, "nonce": "slBhBOT8ndVy5VVQ", "sealed": "0IK3CnN4oz5kXVMGMiF7+Q=="},
 "records": {"google/client": {"generation": 1, "nonce": "QrpDXE5ZkQyZG9C3",
  "sealed": "InyEVBvqL2HTWs77mxSUmfdbO/PCts4Q5QX+bQ45cgxMCp4GrJ4HP0WN"}}
}"""
"""Likewise."""


def test_a_plain_passphrase_has_one_spelling() -> None:
    assert spellings("seven mild ibises wander") == ("seven mild ibises wander",)


@pytest.mark.parametrize("typed", [*FORMS.values(), WIDE])
def test_a_backup_opens_on_another_computer(typed: str) -> None:
    target = io.BytesIO()
    writer = SealingWriter(target, FORMS["NFD"], random=os.urandom, cost=QUICK)
    writer.write(b"book")
    writer.finish()
    target.seek(0)
    assert SealedReader(target, typed).read() == b"book"


@pytest.mark.parametrize("typed", FORMS.values())
def test_a_backup_of_an_earlier_version_still_opens(typed: str) -> None:
    assert SealedReader(io.BytesIO(EARLIER_BACKUP), typed).read() == b"book"
    with pytest.raises(BadInput):
        SealedReader(io.BytesIO(EARLIER_BACKUP), typed.casefold())


@pytest.mark.parametrize("form", FORMS)
async def test_sealed_sign_ins_open_however_the_variable_is_written(
    form: str, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    await home.open(FORMS["NFD"]).put("google/client", "kept")
    assert await home.open(FORMS[form]).get("google/client") == "kept"


@pytest.mark.parametrize("form", FORMS)
async def test_sealed_sign_ins_of_an_earlier_version_still_open_and_change(
    form: str, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    home.path.write_text(EARLIER_SECRETS, encoding="utf-8")
    store = home.open(FORMS[form])
    assert await store.get("google/client") == "kept by an earlier version"
    await store.put("google/client", "another")
    assert await home.open(FORMS[form]).get("google/client") == "another"
    with pytest.raises(SecretsDamaged, match="do not open with the passphrase"):
        await home.open("fünf Birnen im Körbchen").get("google/client")


def test_a_password_is_the_same_on_every_keyboard_and_old_ones_still_sign_in() -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Argon2Passwords(hasher)
    kept = passwords.hash(FORMS["NFD"])
    assert all(passwords.matches(kept, each) for each in (*FORMS.values(), WIDE))
    assert not passwords.matches(kept, TYPED.casefold())
    assert passwords.matches(hasher.hash(FORMS["NFD"]), FORMS["NFD"])


def test_accents_that_are_letters_of_their_own_make_no_passphrase_longer() -> None:
    short = "äöüäöüßñ"
    assert weakness_of(unicodedata.normalize("NFD", short)) == weakness_of(short) != ""
