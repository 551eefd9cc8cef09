"""The ways in which a notice leaves this program, as ports. Each blocks, is called from a thread,
and raises NoticeNotSent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from companion.domain.notice_choices import MailServer
from companion.services.notices.keeping import NoticeStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    to: str
    subject: str
    text: str
    id: str
    """The same when the same message is sent again: its Message-ID is made of it."""
    at: datetime


class DesktopNotices(Protocol):
    def show(self, title: str, text: str) -> None:
        """Once the desktop has taken it, this returns."""
        ...


class MailPost(Protocol):
    def send(self, server: MailServer, password: str, mail: Mail) -> None:
        """Once the server has taken it, this returns."""
        ...


class Webhook(Protocol):
    def post(self, address: str, secret: str, body: bytes, *, delivery: str, at: datetime) -> None:
        """One request, signed with `secret`; no redirect is followed. `delivery` is the same when
        the same message is sent again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWays:
    store: NoticeStore
    desktop: DesktopNotices
    mail: MailPost
    webhook: Webhook
    computer: str
    """This computer's name, as people know it."""
