"""AccountChanges: what connecting and disconnecting change of a practitioner's account.

That is the link in the settings, the sign-in at Google and its token, and a line in the activity
list. Google drops *all* sign-ins of an account with this client when one is revoked, so an account
that is in use here, by any practitioner, is not revoked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from companion.domain.errors import BadInput, CompanionError, RemoteError, SignInError
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings
from companion.services.activity import note
from companion.services.google.client import CLIENT, client_replaced
from companion.services.google.consents import same_account
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    Clock,
    Google,
    SecretStore,
    SettingsStore,
    SignedIn,
)

_TOKENS = "google/token/"


def token_name(practitioner_id: str) -> str:
    """In the SecretStore."""
    return f"{_TOKENS}{practitioner_id}"


@dataclass(slots=True)
class AccountChanges:
    google: Google
    settings: SettingsStore
    secrets: SecretStore
    activity: ActivityLog
    clock: Clock

    def record(self, practitioner_id: str) -> PractitionerSettings:
        """Raises NotFound."""
        return self.settings.read().record(practitioner_id)

    async def edit(
        self,
        practitioner_id: str,
        edit_link: Callable[[GoogleLink], GoogleLink] = lambda link: link,
        *,
        enabled: bool | None = None,
    ) -> PractitionerSettings:
        """`enabled`: switch the sync on or off; None leaves it."""

        def edit(settings: Settings) -> Settings:
            record = settings.record(practitioner_id)
            choices = record.choices
            if enabled is not None:
                choices = replace(choices, enabled=enabled)
            return settings.with_practitioner(
                replace(record, google=edit_link(record.google), choices=choices)
            )

        return (await self.settings.change(edit)).record(practitioner_id)

    async def keep_token(self, name: str, signed_in: SignedIn) -> None:
        """`name`: the practitioner's id, or that of a trial."""
        await self.secrets.put(token_name(name), signed_in.token)
        await self.google.forget(name)

    async def check_client(self, signed_in: SignedIn) -> None:
        """Raises SignInError where the practice has another Google client by now: no other may use
        what this one was granted."""
        text = None if signed_in.delegated else await self.secrets.get(CLIENT)
        if text and self.google.check_client(text.encode()).client_id != signed_in.client_id:
            raise client_replaced()

    async def drop_token(self, name: str) -> None:
        await self.secrets.remove(token_name(name))
        await self.google.forget(name)

    async def token_names(self) -> list[str]:
        """As for `keep_token`."""
        kept = await self.secrets.names()
        return [each.removeprefix(_TOKENS) for each in kept if each.startswith(_TOKENS)]

    async def token(self, practitioner_id: str) -> str | None:
        return await self.secrets.get(token_name(practitioner_id))

    async def drop_this_token(self, practitioner_id: str, token: str | None) -> bool:
        """Also where it was renewed since; False where a new sign-in has taken its place."""
        name = token_name(practitioner_id)
        while (found := await self.secrets.get(name)) is not None:
            if token is None or not self.google.same_sign_in(token, found):
                return False
            if await self.secrets.exchange(name, found, None):
                break
        await self.google.forget(practitioner_id)
        return True

    async def revoke(self, practitioner_id: str, account: str) -> bool:
        """False when Google did not confirm."""
        if self._used_by_another(account, practitioner_id):
            return True
        try:
            await self.google.revoke(practitioner_id)
        except (RemoteError, SignInError):
            return False
        return True

    async def discard(self, signed_in: SignedIn) -> None:
        """Give a sign-in that is not kept back to Google."""
        if signed_in.account and not self._used_by_another(signed_in.account):
            with contextlib.suppress(CompanionError):  # the reason for refusing matters more
                await self.google.discard(signed_in)

    def _used_by_another(self, account: str, practitioner_id: str = "") -> bool:
        return any(
            key != practitioner_id and same_account(each.google.account, account)
            for key, each in self.settings.read().practitioners.items()
        )

    def sharing(self, practitioner_id: str) -> tuple[str, ...]:
        """Names of other practitioners whom the same account serves."""
        everyone = self.settings.read().practitioners
        account = everyone[practitioner_id].google.account if practitioner_id in everyone else ""
        return tuple(
            each.practitioner.name
            for key, each in everyone.items()
            if key != practitioner_id and same_account(each.google.account, account)
        )

    def check_free(self, practitioner_id: str, calendar_id: str) -> None:
        """One calendar for one practitioner: an audit of the one would remove the other's events.
        Raises BadInput."""
        for key, each in self.settings.read().practitioners.items():
            link = each.google
            if key != practitioner_id and link.connected and link.calendar_id == calendar_id:
                raise BadInput(
                    f"That calendar is already kept for {each.practitioner.name}.",
                    "Choose another calendar, or let us create a new one.",
                    field="calendar",
                )

    async def log(
        self, practitioner_id: str, kind: ActivityKind, text: str, *, count: int = 1
    ) -> None:
        await note(
            self.activity,
            self.clock,
            kind,
            text,
            cause="connecting",
            practitioner_id=practitioner_id,
            count=count,
        )
