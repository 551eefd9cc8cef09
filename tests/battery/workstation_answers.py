"""What comes back from a workstation that was asked to do something."""

from __future__ import annotations

import threading

from tests.battery.workstation import Json

SOON = 60.0
"""Seconds within which whatever is waited for must come."""


class Gone(Exception):
    """The workstation ended before it answered."""


class Refused(Exception):
    """The person was told of an error; its name is the exception's text."""


class Answer:
    """What becomes of something that a person asked for."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._document: Json | None = None

    def settle(self, document: Json | None) -> None:
        """None: nobody will ever answer."""
        self._document = document
        self._over.set()

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def wait(self, seconds: float = SOON) -> bool:
        return self._over.wait(seconds)

    def result(self, seconds: float = SOON) -> Json:
        """Raises Gone, Refused, TimeoutError; AssertionError for an error that is none of ours."""
        if not self._over.wait(seconds):
            raise TimeoutError
        if self._document is None:
            raise Gone
        assert "broken" not in self._document, self._document["broken"]
        if "refused" in self._document:
            raise Refused(self._document["refused"])
        answer: Json = self._document["answer"]
        return answer
