"""The practice's OAuth client file: what it would change, before it is kept.

A sign-in belongs to the client it was made with: no other may renew it. So a dropped file is first
compared with the one that is kept, by its client id:

| the file is | then |
| --- | --- |
| the first | it is kept |
| the one that is kept already | nothing changes |
| of the same client, with a new secret | it is kept; every sign-in goes on |
| of another client, no practitioner is signed in | it is kept |
| of another client, a practitioner is signed in | a person confirms: all must connect again |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from companion.domain.errors import BadInput
from companion.services.ports import Google, SecretStore, SettingsStore

CLIENT = "google/client"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChange:
    kind: Literal["first", "same", "renewed", "other"]
    name: str
    """Of the client in the file."""
    before: str = ""
    """Name of the client that was kept until now."""
    signed_in: tuple[str, ...] = ()
    """Practitioners who have to connect again with another client."""
    held: bool = False
    """Nothing was kept: a person has to confirm."""

    @property
    def sentence(self) -> str:
        if self.held:
            count = len(self.signed_in)
            who = "1 practitioner has" if count == 1 else f"{count} practitioners have"
            return f"This is another Google client than {self.before}: {who} to connect again."
        return {
            "first": f"The Google client {self.name} was added.",
            "same": f"This is already the practice's Google client: {self.name}. Nothing changed.",
            "renewed": f"The Google client {self.name} has its new secret. Nobody has to connect "
            "again.",
            "other": f"The Google client was replaced by {self.name}.",
        }[self.kind]


class PracticeClient:
    def __init__(self, google: Google, settings: SettingsStore, secrets: SecretStore) -> None:
        self._google = google
        self._settings = settings
        self._secrets = secrets

    async def name(self) -> str | None:
        """None while there is no client."""
        stored = await self._secrets.get(CLIENT)
        return None if stored is None else self._google.check_client(stored.encode()).name

    async def client_id(self) -> str:
        """What an administrator of Google Workspace has to trust; empty without a client."""
        stored = await self._secrets.get(CLIENT)
        return "" if stored is None else self._google.check_client(stored.encode()).client_id

    async def keep(self, content: bytes, *, replace: bool) -> ClientChange:
        """`replace`: a person has confirmed that everybody connects again. Raises BadInput."""
        new = self._google.check_client(content)
        stored = await self._secrets.get(CLIENT)
        try:
            old = None if stored is None else self._google.check_client(stored.encode())
        except BadInput:  # the kept file cannot be used: replace it
            old = None
        if old is None:
            change = ClientChange(kind="first", name=new.name)
        elif new == old:
            return ClientChange(kind="same", name=new.name, before=old.name)
        elif (new.client_id, new.token_uri) == (old.client_id, old.token_uri):
            change = ClientChange(kind="renewed", name=new.name, before=old.name)
        else:
            people = self._settings.read().practitioners.values()
            names = tuple(each.practitioner.name for each in people if each.google.account)
            change = ClientChange(
                kind="other",
                name=new.name,
                before=old.name,
                signed_in=names,
                held=bool(names) and not replace,
            )
        if not change.held:
            await self._secrets.put(CLIENT, content.decode("utf-8-sig"))
        return change
