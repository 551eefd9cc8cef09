"""Folds: a row with a title and how it stands, which opens in place. The browser's own `details`:
keyboard, search in the page and addresses with ``#`` (static/page.js) open it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from companion.web.ui.theme import Text, box, text


class Fold:
    """What is said of it while it is closed, and opening it."""

    def __init__(
        self, title: str, *, said: str, opened: bool, mark: Callable[[], object] | None
    ) -> None:
        self.element = box("fold", tag="details")
        if opened:
            self.element.props("open")
        with self.element:
            with box("fold__head", tag="summary"):
                if mark is not None:
                    mark()
                text(title, "fold__title", tag="h3")
                self._said: Text = text(said, "fold__said", tag="span")
            self.body = box("fold__body")

    def say(self, words: str) -> None:
        self._said.set_text(words)

    def unfold(self) -> None:
        """Something in it wants to be seen."""
        self.element.run_method("setAttribute", "open", "")


@contextmanager
def fold(
    title: str,
    *,
    said: str = "",
    opened: bool = False,
    mark: Callable[[], object] | None = None,
) -> Iterator[Fold]:
    """`mark` makes what stands in front of the title."""
    made = Fold(title, said=said, opened=opened, mark=mark)
    with made.body:
        yield made
