"""What the choices of notices may be: as `checks`, for typed words and for the settings file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from companion.domain.errors import BadInput
from companion.domain.notice_choices import MailServer, NoticeChoices
from companion.services.settings import checks

BEHIND_HOURS, BACKUP_DAYS = (1, 240), (1, 365)


def mailbox(value: str, field: str) -> str:
    """An address that any mail server takes; empty is allowed."""
    line = checks.email(value, field)
    if not line.isascii():
        raise BadInput(
            f'"{line[:80]}" holds letters that not every mail server takes in an address.',
            "Use an address with the letters a to z.",
            field=field,
        )
    return line


def mailboxes(values: tuple[str, ...], field: str) -> tuple[str, ...]:
    """Each once, whatever its case, in order; at most 20."""
    found = {line.casefold(): line for each in values if (line := mailbox(each, field))}
    if len(found) > 20:
        raise BadInput("These are more than 20 addresses.", "Use a list's address.", field=field)
    return tuple(found[each] for each in sorted(found))


def complete(value: NoticeChoices, field: str) -> NoticeChoices:
    """What belongs together is there; raises BadInput whose field is ``FIELD_mail…``."""
    if (value.quiet_from is None) != (value.quiet_to is None):
        raise BadInput("One of the two quiet times is missing.", field=f"{field}_quiet")
    if not value.mail:
        return value
    if not value.server.host:
        raise BadInput(
            "E-mail needs a mail server.",
            "Give its name, such as smtp.example.com, as whoever runs your e-mail says.",
            field=f"{field}_mail_server",
        )
    if "@" not in (value.server.sender or value.server.login):
        raise BadInput(
            "E-mail needs an address to come from.",
            "Use the address of the mailbox whose password you give.",
            field=f"{field}_mail_from",
        )
    if not value.administrators:
        raise BadInput(
            "E-mail needs the address of at least one administrator.",
            "Give it: whatever nobody else can mend is sent there.",
            field=f"{field}_administrators",
        )
    return value


RULES: Mapping[tuple[type, str], Callable[[Any, str], object]] = {
    (MailServer, "host"): checks.host,
    (MailServer, "port"): checks.whole_within(1, 65_535),
    (MailServer, "login"): checks.text,
    (MailServer, "sender"): mailbox,
    (NoticeChoices, "administrators"): mailboxes,
    (NoticeChoices, "reception"): mailboxes,
    (NoticeChoices, "webhook"): checks.host,
    (NoticeChoices, "behind_hours"): checks.number_within(*BEHIND_HOURS),
    (NoticeChoices, "backup_days"): checks.number_within(*BACKUP_DAYS),
}
"""Of the settings file, by field."""
