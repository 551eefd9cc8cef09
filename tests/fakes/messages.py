"""Notices among workstations in memory: what one sends, all others hear a moment later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from companion.services.changes import Publisher


class Wire:
    """All that was said on it is kept."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.cut = False
        self.ends: list[End] = []

    def end(self) -> End:
        self.ends.append(End(self))
        return self.ends[-1]


class End:
    """A `Messages`, of one process."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._topics: dict[str, Publisher[Mapping[str, Any]]] = {}

    def send(self, topic: str, fields: Mapping[str, Any]) -> None:
        self._wire.said.append((topic, dict(fields)))
        if self._wire.cut:
            return
        for each in self._wire.ends:
            if each is not self:
                asyncio.get_running_loop().call_soon(each.hear, topic, dict(fields))

    def hear(self, topic: str, fields: Mapping[str, Any]) -> None:
        if topic in self._topics:
            self._topics[topic].publish(fields)

    def subscribe(
        self, topic: str, listener: Callable[[Mapping[str, Any]], object]
    ) -> Callable[[], None]:
        return self._topics.setdefault(topic, Publisher()).subscribe(listener)
