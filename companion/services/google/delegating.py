"""Delegating: one practitioner connected by the practice's service account, without a browser.

The narrowest scopes are tried first; wider ones only where Google shows that those do not reach the
calendar, as with one that was made by the client with which the practitioner signed in before.
"""

from __future__ import annotations

from companion.domain.errors import (
    BadInput,
    CalendarGone,
    CompanionError,
    DelegationRefused,
    PermissionDenied,
    ScopeMissing,
    TransientError,
)
from companion.domain.settings import PractitionerSettings
from companion.services.google import consents
from companion.services.google.account_changes import AccountChanges
from companion.services.google.consents import CalendarChoice
from companion.services.google.joining import Connected, Joining
from companion.services.google.pending import try_again
from companion.services.ports import Google


def login_of(record: PractitionerSettings) -> str:
    """The Google Login that a service account would speak for; empty where none is known."""
    return record.google.login or record.google.account or record.practitioner.email


class Delegating:
    def __init__(self, google: Google, changes: AccountChanges, joining: Joining) -> None:
        self._google = google
        self._changes = changes
        self._joining = joining

    async def connect(
        self,
        practitioner_id: str,
        *,
        login: str,
        calendar: CalendarChoice | None,
        take_over: bool,
        upload_by_hand: bool,
        enable: bool,
    ) -> Connected:
        """As `Connecting.delegate`; not for two at a time of one practitioner."""
        record = self._changes.record(practitioner_id)
        link = record.google
        wanted = login.strip() or login_of(record)
        if not wanted:
            raise BadInput(
                f"{record.practitioner.name} has no Google Login.",
                "Enter the e-mail address of their account in the practice's Google Workspace.",
                field="login",
            )
        choice = (
            calendar or consents.default_choice(link, login=wanted, take_over=take_over)
        ).checked()
        if choice.kind == "existing":
            self._changes.check_free(practitioner_id, choice.calendar_id)
        unseen: CompanionError | None = None
        for scopes in consents.delegated_scopes(choice, link):
            try:
                granted = await self._google.delegate(practitioner_id, login=wanted, scopes=scopes)
                return await self._joining.join(
                    practitioner_id,
                    granted,
                    choice,
                    login=wanted,
                    upload_by_hand=upload_by_hand,
                    enable=enable,
                )
            except (ScopeMissing, PermissionDenied, CalendarGone) as error:
                unseen = error
            except DelegationRefused as error:
                if unseen is None:
                    raise
                raise DelegationRefused(
                    "The service account does not reach the practitioner's present calendar.",
                    f"If the calendar is still there: {error.remedy} Otherwise let us create a new "
                    "one.",
                    detail=error.detail,
                ) from error
            except TransientError as error:
                raise try_again(error) from error
        raise unseen or RuntimeError("no scopes to try")
