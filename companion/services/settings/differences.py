"""Differences: two states of somebody's settings, value by value, in the words of `formatting`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from companion.services.settings.formatting import SettingWord, show

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDifference:
    whose: str
    """A practitioner's name; empty for the practice."""
    key: str
    before: str
    after: str

    @property
    def setting(self) -> str:
        """``Days in advance``."""
        return self.key.replace("_", " ").capitalize()


def differences(
    before: Subject, after: Subject, words: Mapping[str, SettingWord[Subject]], *, whose: str = ""
) -> list[SettingDifference]:
    was, now = show(before, words), show(after, words)
    return [
        SettingDifference(whose=whose, key=key, before=was[key], after=now[key])
        for key in words
        if was[key] != now[key]
    ]


def named(found: list[SettingDifference]) -> str:
    """``days in advance, client name``: which, without values."""
    return ", ".join(each.setting.lower() for each in found)
