"""The practice's files from Google: what a new one would change, before it is kept.

There may be two: an OAuth client, with which people sign in, and the key of a service account,
which speaks for the people of a Google Workspace. A sign-in belongs to the client it was made with:
no other may renew it. So a dropped file is first compared with the one of its kind that is kept, by
its client id:

| the file is | then |
| --- | --- |
| the first | it is kept |
| the one that is kept already | nothing changes |
| of the same client, with a new secret or key | it is kept; everybody stays connected |
| of another client, no practitioner is connected by it | it is kept |
| of another client, a practitioner is connected by it | a person confirms: all connect again |
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from companion.domain.errors import BadInput, SignInError
from companion.services.google import consents
from companion.services.ports import ClientFile, Google, SecretStore, SettingsStore

CLIENT, KEY = "google/client", "google/service-account"
ADMIN_CONSOLE = "https://admin.google.com/ac/owl/domainwidedelegation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """What an administrator of Google Workspace is asked to authorise."""

    email: str
    client_id: str
    scopes: tuple[str, ...]

    @property
    def scopes_text(self) -> str:
        """As the Admin console takes them."""
        return ",".join(self.scopes)

    @property
    def admin_address(self) -> str:
        """Of the Admin console's form, filled in."""
        asked = {
            "clientIdToAdd": self.client_id,
            "clientScopeToAdd": self.scopes_text,
            "overwriteClientId": "true",
        }
        return f"{ADMIN_CONSOLE}?{urlencode(asked)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChange:
    kind: Literal["first", "same", "renewed", "other"]
    name: str
    """Of the client in the file, or the service account's e-mail."""
    before: str = ""
    """Of what was kept until now."""
    signed_in: tuple[str, ...] = ()
    """Practitioners who have to connect again with another client."""
    held: bool = False
    """Nothing was kept: a person has to confirm."""
    service_account: bool = False

    @property
    def sentence(self) -> str:
        what = "service account" if self.service_account else "Google client"
        if self.held:
            count = len(self.signed_in)
            who = "1 practitioner has" if count == 1 else f"{count} practitioners have"
            return f"This is another {what} than {self.before}: {who} to connect again."
        renewed = "key" if self.service_account else "secret"
        return {
            "first": f"The {what} {self.name} was added.",
            "same": f"This is already the practice's {what}: {self.name}. Nothing changed.",
            "renewed": f"The {what} {self.name} has its new {renewed}. Nobody has to connect "
            "again.",
            "other": f"The {what} was replaced by {self.name}.",
        }[self.kind]


class PracticeClient:
    def __init__(self, google: Google, settings: SettingsStore, secrets: SecretStore) -> None:
        self._google = google
        self._settings = settings
        self._secrets = secrets

    async def name(self) -> str | None:
        """Of the OAuth client; None while there is none."""
        kept = await self._kept(CLIENT)
        return None if kept is None else kept.name

    async def client_id(self) -> str:
        """Of the OAuth client; empty while there is none."""
        kept = await self._kept(CLIENT)
        return "" if kept is None else kept.client_id

    async def service_account(self) -> ServiceAccount | None:
        kept = await self._kept(KEY)
        if kept is None:
            return None
        people = self._settings.read().practitioners.values()
        scopes = consents.to_authorise(kept.client_id, (each.google for each in people))
        return ServiceAccount(email=kept.service_account, client_id=kept.client_id, scopes=scopes)

    async def keep(self, content: bytes, *, replace: bool) -> ClientChange:
        """`replace`: a person has confirmed that everybody connects again. Raises BadInput."""
        new = self._google.check_client(content)
        key = bool(new.service_account)
        place = KEY if key else CLIENT
        try:
            old = await self._kept(place)
        except BadInput:  # the kept file cannot be used: replace it
            old = None
        change = ClientChange(
            kind=_kind(new, old),
            name=_label(new),
            before="" if old is None else _label(old),
            service_account=key,
        )
        if change.kind == "same":
            return change
        if change.kind == "other":
            names = self._connected(delegated=key)
            change = dataclasses.replace(change, signed_in=names, held=bool(names) and not replace)
        if not change.held:
            await self._secrets.put(place, content.decode("utf-8-sig"))
        return change

    async def remove_key(self) -> str:
        """Which service account's it was. Raises BadInput while it speaks for somebody."""
        account = await self.service_account()
        if account is None:
            raise BadInput("There is no key of a service account here.", "There is nothing to do.")
        count = len(self._connected(delegated=True))
        if count:
            raise BadInput(
                f"The service account still speaks for {count} "
                f"practitioner{'' if count == 1 else 's'}.",
                "Disconnect them, or let them sign in at Google, then remove the key.",
            )
        await self._secrets.remove(KEY)
        return account.email

    def _connected(self, *, delegated: bool) -> tuple[str, ...]:
        """Names of those connected by the service account, or by signing in."""
        return tuple(
            each.practitioner.name
            for each in self._settings.read().practitioners.values()
            if each.google.account and bool(each.google.delegated) == delegated
        )

    async def _kept(self, place: str) -> ClientFile | None:
        stored = await self._secrets.get(place)
        return None if stored is None else self._google.check_client(stored.encode())


def client_replaced() -> SignInError:
    return SignInError(
        "The practice's Google client was replaced while this sign-in was under way.",
        "Press Connect to Google again.",
    )


def _label(file: ClientFile) -> str:
    return file.service_account or file.name


def _kind(new: ClientFile, old: ClientFile | None) -> Literal["first", "same", "renewed", "other"]:
    if old is None:
        return "first"
    if new == old:
        return "same"
    known = (new.client_id, new.token_uri) == (old.client_id, old.token_uri)
    return "renewed" if known else "other"
