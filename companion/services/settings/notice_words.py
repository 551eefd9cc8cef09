"""Who is told of troubles, in words: the keys ``notice_…`` of the practice, as `formatting` has
them. The mail server's password and the webhook's address are no settings but secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time
from typing import Any

from companion.domain.errors import BadInput
from companion.domain.notice_choices import MailSecurity, NoticeChoices
from companion.domain.settings import PracticeSettings
from companion.services.settings import checks, notice_checks
from companion.services.settings.formatting import (
    SettingWord,
    decimal,
    listed,
    one_of,
    parts,
    whole_number,
    yes_or_no,
)

PREFIX = "notice"
NONE = "none"


def _word(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[PracticeSettings]:
    def put(practice: PracticeSettings, text: str, key: str) -> PracticeSettings:
        notices = replace(practice.notices, **{attribute: parse(text, key)})
        return replace(practice, notices=notices)

    return SettingWord(put=put, show=lambda practice: shown(getattr(practice.notices, attribute)))


def _server(
    attribute: str, parse: Callable[[str, str], Any], shown: Callable[[Any], str] = str
) -> SettingWord[PracticeSettings]:
    def put(practice: PracticeSettings, text: str, key: str) -> PracticeSettings:
        server = replace(practice.notices.server, **{attribute: parse(text, key)})
        return replace(practice, notices=replace(practice.notices, server=server))

    return SettingWord(
        put=put, show=lambda practice: shown(getattr(practice.notices.server, attribute))
    )


def _mailboxes(text: str, key: str) -> tuple[str, ...]:
    return notice_checks.mailboxes(parts(text.replace(";", ",")), key)


def _number(low: float, high: float) -> Callable[[str, str], float]:
    return lambda text, key: checks.number(decimal(text, key), key, low, high)


def _plain(value: float) -> str:
    return repr(value).removesuffix(".0")


def true_or_false(value: bool) -> str:
    return "true" if value else "false"


def _put_quiet(practice: PracticeSettings, text: str, key: str) -> PracticeSettings:
    if text.casefold() in {NONE, ""}:
        return _quiet_between(practice, None, None)
    found = re.fullmatch(r"(\d{1,2}:\d\d) ?(?:-|–|to) ?(\d{1,2}:\d\d)", text, re.ASCII)
    try:
        begin, end = (
            time.fromisoformat(each.zfill(5)) for each in (found.groups() if found else ())
        )
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
    "notice_desktop": _word("desktop", yes_or_no, true_or_false),
    "notice_mail": _word("mail", yes_or_no, true_or_false),
    "notice_mail_server": _server("host", checks.host),
    "notice_mail_port": _server(
        "port", lambda text, key: checks.whole(whole_number(text, key), key, 1, 65_535)
    ),
    "notice_mail_security": _server("security", lambda text, key: one_of(MailSecurity, text, key)),
    "notice_mail_login": _server("login", checks.text),
    "notice_mail_from": _server("sender", notice_checks.mailbox),
    "notice_administrators": _word("administrators", _mailboxes, listed),
    "notice_reception": _word("reception", _mailboxes, listed),
    "notice_practitioners": _word("practitioners", yes_or_no, true_or_false),
    "notice_quiet": SettingWord(
        put=_put_quiet, show=lambda practice: quiet_words(practice.notices)
    ),
    "notice_behind_hours": _word("behind_hours", _number(*notice_checks.BEHIND_HOURS), _plain),
    "notice_backup_days": _word("backup_days", _number(*notice_checks.BACKUP_DAYS), _plain),
}
