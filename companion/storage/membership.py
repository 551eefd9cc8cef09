"""Membership: what this computer needs to open the practice that it has joined.

The address of the database, with its password, and the practice key are kept sealed on this
computer; the variables COMPANION_DATABASE_URL and COMPANION_PRACTICE_KEY come before them, so that
a computer without a password store keeps neither.

More than one key may be kept: while the practice key is renewed here, the new one stands before the
old, so that one of them opens the practice wherever the renewal was interrupted. Which of them does
is found out at each opening.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy import URL

from companion.adapters.database.inspection import inspect_database
from companion.adapters.database.postgres import url_of
from companion.adapters.database.practice_row import PracticeRow, secrets_key_of
from companion.adapters.practice_note import PracticeNote
from companion.domain.errors import BadInput, SecretsError, SecretsUnavailable
from companion.domain.practice_errors import DatabaseAway, PracticeKeyRenewed
from companion.domain.practice_key import PracticeKey, practice_key_of
from companion.environment import Environment
from companion.services.ports import SecretStore

URL_NAME, KEY_NAME = "practice/url", "practice/key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    note: PracticeNote
    url: URL = field(repr=False)
    key: PracticeKey
    """The first that is kept, or the one that has `opened`."""
    others: tuple[PracticeKey, ...] = ()

    def opened(self, row: PracticeRow) -> tuple[Membership, bytes]:
        """Itself with the one key that opens the row, and the key of the secrets. Raises
        PracticeKeyRenewed."""
        for each in (self.key, *self.others):
            with suppress(BadInput):
                found = secrets_key_of(row, each)
                return replace(self, key=each, others=()), found
        raise PracticeKeyRenewed

    async def keep(self, secrets: SecretStore, environment: Environment) -> None:
        """Seal both on this computer. Raises SecretsError, except where the variables say both."""
        try:
            await secrets.put(URL_NAME, self.url.render_as_string(hide_password=False))
            await secrets.put(KEY_NAME, self.key.text)
        except SecretsUnavailable:
            if not (environment.names_a_server and environment.practice_key.strip()):
                raise


async def membership_of(
    note: PracticeNote, environment: Environment, secrets: SecretStore
) -> Membership:
    """Raises SecretsError, BadInput."""
    given = environment.database_url if environment.names_a_server else ""
    address = given or await secrets.get(URL_NAME)
    given = environment.practice_key.strip()
    try:
        kept = (await secrets.get(KEY_NAME) or "").split()
    except SecretsError:
        if not given:
            raise
        kept = []
    keys = [practice_key_of(each) for each in ([given] if given else []) + kept]
    if not address or not keys:
        missing = "the practice key" if address else "the address of its database"
        raise SecretsUnavailable(
            f"This workstation belongs to a practice, but {missing} is not kept on it.",
            "Join again: python run.py practice join. Or set COMPANION_DATABASE_URL and "
            "COMPANION_PRACTICE_KEY.",
        )
    return Membership(note=note, url=url_of(address), key=keys[0], others=tuple(keys[1:]))


def with_key_in_use(member: Membership) -> Membership:
    """The key that opens the practice, where its database can tell. Blocks. Raises
    PracticeKeyRenewed, StoreError."""
    try:
        row = inspect_database(member.url).row
    except DatabaseAway:
        return member
    if row is None or row.practice_id != member.note.practice_id:
        return member
    return member.opened(row)[0]


def place_of(url: URL) -> str:
    """For people; without user and password."""
    host = url.host or str(url.query.get("host", "")) or "this computer"
    port = f":{url.port}" if url.port and url.port != 5432 else ""
    return f"{host}{port}/{url.database}"
