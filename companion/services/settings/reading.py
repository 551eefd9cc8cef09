"""SettingsReader: the current settings, for pages that only read them."""

from __future__ import annotations

from companion.domain.settings import Settings
from companion.services.access.rules import allows_signed_in
from companion.services.ports import SettingsStore


class SettingsReader:
    def __init__(self, store: SettingsStore) -> None:
        self._store = store

    @allows_signed_in
    def read(self) -> Settings:
        """In memory: as cheap as an attribute."""
        return self._store.read()
