"""The ways of notices in memory, with what they were given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from companion.domain.errors import NoticeNotSent, StoreError
from companion.domain.notice_choices import MailServer
from companion.domain.practice_errors import Overtaken
from companion.services.notices.keeping import from_json, to_json
from companion.services.notices.telling import NoticeBook
from companion.services.notices.ways import Mail, NoticeWays


class MemoryNoticeStore:
    """A NoticeStore."""

    def __init__(self) -> None:
        self.kept = ""
        self.full = False
        self.overtaken = False
        """Another process has saved since this one read."""

    async def read(self) -> NoticeBook | None:
        self.overtaken = False
        return from_json(json.loads(self.kept)) if self.kept else None

    async def save(self, book: NoticeBook) -> None:
        if self.full:
            raise StoreError("The disk is full.")
        if self.overtaken:
            raise Overtaken
        self.kept = json.dumps(to_json(book))


@dataclass
class FakeNoticeDesktop:
    """A DesktopNotices."""

    shown: list[tuple[str, str]] = field(default_factory=list)
    trouble: NoticeNotSent | None = None

    def show(self, title: str, text: str) -> None:
        if self.trouble:
            raise self.trouble
        self.shown.append((title, text))


@dataclass
class FakePost:
    """A MailPost. `on_mail` may raise before a message is taken, `after` once it is."""

    mails: list[Mail] = field(default_factory=list)
    on_mail: Callable[[MailServer, str, Mail], None] = lambda *_: None
    after: Callable[[Mail], None] = lambda _: None

    def send(self, server: MailServer, password: str, mail: Mail) -> None:
        self.on_mail(server, password, mail)
        self.mails.append(mail)
        self.after(mail)

    def to(self, address: str) -> list[str]:
        """Their subjects."""
        return [
            each.subject.removeprefix("Calendar Companion: ")
            for each in self.mails
            if each.to == address
        ]


@dataclass
class FakeWebhook:
    """A Webhook."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    trouble: NoticeNotSent | None = None

    def post(self, address: str, secret: str, body: bytes, *, delivery: str, at: datetime) -> None:
        if self.trouble:
            raise self.trouble
        assert address
        assert secret
        self.calls.append(json.loads(body))


@dataclass
class FakeWays:
    store: MemoryNoticeStore = field(default_factory=MemoryNoticeStore)
    desktop: FakeNoticeDesktop = field(default_factory=FakeNoticeDesktop)
    mail: FakePost = field(default_factory=FakePost)
    webhook: FakeWebhook = field(default_factory=FakeWebhook)

    def ways(self) -> NoticeWays:
        return NoticeWays(
            store=self.store,
            desktop=self.desktop,
            mail=self.mail,
            webhook=self.webhook,
            computer="RECEPTION-1",
        )
