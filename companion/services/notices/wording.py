"""NoticeWording: what a message says, for people and for the webhook.

Sentences come from the troubles; the name removal looks through each of them, though none should
hold a client's name. Practitioners' names may be told, and are put in after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from companion.domain.client_names import ClientNames
from companion.domain.differences import when
from companion.domain.person_names import person_name
from companion.domain.redaction import Redactor
from companion.services.notices.telling import Message, NoticeItem
from companion.services.notices.ways import Mail

NAME = "Calendar Companion"
_LONGEST_SUBJECT = 150
_BEGUN, _OVER = "begun", "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOrigin:
    """Where the message comes from."""

    practice: str
    computer: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWording:
    names: ClientNames
    """Of every client, present or former."""
    place: MessageOrigin

    def _plain(self, text: str, practitioner: str = "") -> str:
        nobody = person_name("", "")
        return Redactor(nobody, names=self.names, practitioner=practitioner)(text)

    def headline(self, item: NoticeItem) -> str:
        trouble = item.episode.trouble
        what = self._plain(trouble.what, trouble.subject)
        line = f"{trouble.subject}: {what}" if trouble.subject else what
        return {_BEGUN: "", _OVER: "Over: "}.get(item.phase, "Came and went: ") + line

    def remedy(self, item: NoticeItem) -> str:
        trouble = item.episode.trouble
        return self._plain(trouble.remedy, trouble.subject) if item.phase == _BEGUN else ""

    # ── to people ─────────────────────────────────────────────────────────────────────────────

    def title(self, message: Message) -> str:
        if message.summary:
            return "Daily summary"
        if len(message.items) == 1:
            return " ".join(self.headline(message.items[0]).split())[:_LONGEST_SUBJECT]
        begun = sum(each.phase == _BEGUN for each in message.items)
        over = len(message.items) - begun
        parts = [
            f"{begun} thing{'' if begun == 1 else 's'} to look at" if begun else "",
            f"{over} over" if over else "",
        ]
        return ", ".join(part for part in parts if part)

    def mail(self, message: Message, now: datetime) -> Mail:
        blocks = [self._block(each) for each in message.items]
        if message.summary:
            blocks.insert(0, "What could wait until now, and what came and went:")
        return Mail(
            to=message.channel.address,
            subject=f"{NAME}: {self.title(message)}",
            text="\n\n".join([*blocks, self._foot()]) + "\n",
            id=message.id,
            at=now,
        )

    def _block(self, item: NoticeItem) -> str:
        trouble, zone = item.episode.trouble, self.place.timezone
        lines = [self.headline(item)]
        if item.phase == _BEGUN and not trouble.handling.event:
            lines.append(f"Since {when(trouble.since, zone)}.")
        elif item.phase != _BEGUN and item.episode.over_at is not None:
            begun, over = when(trouble.since, zone), when(item.episode.over_at, zone)
            lines.append(f"From {begun} to {over}. Nothing is to be done.")
        if remedy := self.remedy(item):
            lines.append(f"What to do: {remedy}")
        if item.phase == _BEGUN and trouble.page:
            lines.append(f"Where: {NAME} on {self.place.computer}, page {trouble.page}.")
        return "\n".join(lines)

    def _foot(self) -> str:
        whose = f" of {self.place.practice}" if self.place.practice else ""
        return (
            f"-- \nSent by {NAME}{whose} on {self.place.computer}. Who gets what is set there, "
            "on the page Practice. Nobody reads answers."
        )

    def desktop(self, message: Message) -> tuple[str, str]:
        """Title and text."""
        if len(message.items) == 1:
            item = message.items[0]
            return NAME, " ".join(filter(None, (self.headline(item), self.remedy(item))))
        lines = [self.headline(each) for each in message.items[:3]]
        more = len(message.items) - len(lines)
        return self.title(message), "\n".join([*lines, f"and {more} more"] if more else lines)

    # ── to programs ───────────────────────────────────────────────────────────────────────────

    def webhook(self, message: Message, now: datetime) -> bytes:
        """Of one item; without any person's name."""
        item = message.items[0]
        episode, trouble = item.episode, item.episode.trouble
        event = trouble.handling.event
        return webhook_body(
            {
                "id": message.id,
                "event": "happened" if event else "opened" if item.phase == _BEGUN else "closed",
                "trouble": hashlib.sha256(episode.id.encode()).hexdigest()[:16],
                "kind": trouble.kind.value,
                "practitioner": trouble.practitioner_id or None,
                "since": _instant(trouble.since),
                "over": _instant(episode.over_at) if item.phase == _OVER else None,
                "at": _instant(now),
                "computer": self.place.computer,
            }
        )


def webhook_body(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
