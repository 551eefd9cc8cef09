"""NoticeChoices: who is told of troubles, in which ways, and when not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo


class MailSecurity(StrEnum):
    STARTTLS = "starttls"
    """Secured right after the greeting, usually at port 587."""
    TLS = "tls"
    """Secured from the first byte, usually at port 465."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where e-mail is handed over; its password is in the SecretStore."""

    host: str = ""
    port: int = 587
    security: MailSecurity = MailSecurity.STARTTLS
    login: str = ""
    """Empty for a server that asks for none."""
    sender: str = ""
    """The address that messages come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeChoices:
    desktop: bool = True
    """On the desktop of the workstation."""
    mail: bool = False
    server: MailServer = field(default_factory=MailServer)
    administrators: tuple[str, ...] = ()
    """Their addresses."""
    reception: tuple[str, ...] = ()
    practitioners: bool = True
    """Each hears at their own e-mail address about their own sign-in and calendar."""
    quiet_from: time | None = time(19)
    """From then to `quiet_to`, in the practice's zone, people are left alone; None for never."""
    quiet_to: time | None = time(7)
    webhook: str = ""
    """Host of the address that IT has given; empty for none. The address is a secret."""
    behind_hours: float = 4.0
    """For so long calendars may go without a good pass."""
    backup_days: float = 7.0
    """So old the last backup may be."""

    def quiet(self, now: datetime, timezone: str) -> bool:
        if self.quiet_from is None or self.quiet_to is None:
            return False
        clock = now.astimezone(ZoneInfo(timezone)).time()
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= clock < self.quiet_to
        return clock >= self.quiet_from or clock < self.quiet_to

    @property
    def summary_at(self) -> time:
        """When the day's summary is due, in the practice's zone."""
        usual = self.quiet_to if self.quiet_from is not None else None
        return usual or time(8)
