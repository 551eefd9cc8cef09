"""Who is told of troubles, in words: the keys ``notice_…`` of the practice, as `formatting` has
them. The mail server's password and the webhook's address are no settings but secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from functools import partial

from companion.domain.errors import BadInput
from companion.domain.notice_choices import MailSecurity, NoticeChoices
from companion.domain.settings import PracticeSettings
from companion.services.settings import checks, notice_checks
from companion.services.settings.formatting import (
    SettingWord,
    clock_times,
    listed,
    number,
    one_of,
    parts,
    plain,
    true_or_false,
    whole,
    word,
    yes_or_no,
)

PREFIX = "notice"
NONE = "none"


def _mailboxes(text: str, key: str) -> tuple[str, ...]:
    return notice_checks.mailboxes(parts(text.replace(";", ",")), key)


def _put_quiet(practice: PracticeSettings, text: str, key: str) -> PracticeSettings:
    if text.casefold() in {NONE, ""}:
        return _quiet_between(practice, None, None)
    try:
        begin, end = clock_times(text)
    except ValueError as error:
        raise BadInput(
            f'"{text[:40]}" are no quiet hours.', f"Use 19:00-07:00, or {NONE}.", field=key
        ) from error
    if begin == end:
        raise BadInput(
            "Quiet hours that end when they begin would be all day.",
            "Use other times, or switch the notices off.",
            field=key,
        )
    return _quiet_between(practice, begin, end)


def _quiet_between(
    practice: PracticeSettings, begin: time | None, end: time | None
) -> PracticeSettings:
    notices = replace(practice.notices, quiet_from=begin, quiet_to=end)
    return replace(practice, notices=notices)


def quiet_words(notices: NoticeChoices) -> str:
    begin, end = notices.quiet_from, notices.quiet_to
    return NONE if begin is None or end is None else f"{begin:%H:%M}-{end:%H:%M}"


NOTICES: Mapping[str, SettingWord[PracticeSettings]] = {
    "notice_desktop": word("notices.desktop", yes_or_no, true_or_false),
    "notice_mail": word("notices.mail", yes_or_no, true_or_false),
    "notice_mail_server": word("notices.server.host", checks.host),
    "notice_mail_port": word("notices.server.port", whole(1, 65_535)),
    "notice_mail_security": word("notices.server.security", partial(one_of, MailSecurity)),
    "notice_mail_login": word("notices.server.login", checks.text),
    "notice_mail_from": word("notices.server.sender", notice_checks.mailbox),
    "notice_administrators": word("notices.administrators", _mailboxes, listed),
    "notice_reception": word("notices.reception", _mailboxes, listed),
    "notice_practitioners": word("notices.practitioners", yes_or_no, true_or_false),
    "notice_quiet": SettingWord(
        put=_put_quiet, show=lambda practice: quiet_words(practice.notices)
    ),
    "notice_behind_hours": word("notices.behind_hours", number(*notice_checks.BEHIND_HOURS), plain),
    "notice_backup_days": word("notices.backup_days", number(*notice_checks.BACKUP_DAYS), plain),
}
