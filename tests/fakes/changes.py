"""LossyChanges: notices that can get lost, and are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from companion.services.changes import Change, Changes


class LossyChanges(Changes):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[Change] = []
        """Those that were not lost."""
        self.loses: Callable[[Change], bool] = lambda _change: False

    def publish(self, notice: Change) -> None:
        if not self.loses(notice):
            self.published.append(notice)
            super().publish(notice)

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Every notice gets lost."""
        before, self.loses = self.loses, lambda _change: True
        try:
            yield
        finally:
            self.loses = before

    def forget_subscribers(self) -> None:
        """Their process has ended."""
        self._listeners.clear()

    def __deepcopy__(self, memo: dict[int, Any]) -> LossyChanges:
        """A copy of a store publishes to the same."""
        return self
