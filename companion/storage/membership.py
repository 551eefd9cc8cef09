"""Membership: what this computer needs to open the practice that it has joined.

The address of the database, with its password, and the practice key are kept sealed on this
computer; the variables COMPANION_DATABASE_URL and COMPANION_PRACTICE_KEY come before them, so that
a computer without a password store keeps neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import URL

from companion.adapters.database.postgres import url_of
from companion.adapters.practice_note import PracticeNote
from companion.domain.errors import SecretsUnavailable
from companion.domain.practice_key import PracticeKey, practice_key_of
from companion.environment import Environment
from companion.services.ports import SecretStore

URL_NAME, KEY_NAME = "practice/url", "practice/key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    note: PracticeNote
    url: URL = field(repr=False)
    key: PracticeKey

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
    key = environment.practice_key.strip() or await secrets.get(KEY_NAME)
    if not address or not key:
        missing = "the practice key" if address else "the address of its database"
        raise SecretsUnavailable(
            f"This workstation belongs to a practice, but {missing} is not kept on it.",
            "Join again: python run.py practice join. Or set COMPANION_DATABASE_URL and "
            "COMPANION_PRACTICE_KEY.",
        )
    return Membership(note=note, url=url_of(address), key=practice_key_of(key))


def place_of(url: URL) -> str:
    """For people; without user and password."""
    host = url.host or str(url.query.get("host", "")) or "this computer"
    port = f":{url.port}" if url.port and url.port != 5432 else ""
    return f"{host}{port}/{url.database}"
