"""FakeSettings: a SettingsStore in memory."""

from __future__ import annotations

from collections.abc import Callable

from companion.domain.errors import CompanionError
from companion.domain.settings import Settings
from companion.services.changes import Changes, SettingsChanged


class FakeSettings:
    def __init__(self, settings: Settings | None = None, changes: Changes | None = None) -> None:
        self.publishes_to = changes or Changes()
        self.current = settings or Settings(install_id="0123456789abcdef")
        self.changes = 0
        """How many changes were written."""
        self.trouble: CompanionError | None = None
        """Raised instead of writing, as a full disk or another process would."""

    def read(self) -> Settings:
        return self.current

    async def change(self, edit: Callable[[Settings], Settings]) -> Settings:
        edited = edit(self.current)
        if self.trouble is not None:
            raise self.trouble
        if edited != self.current:
            self.current = edited
            self.changes += 1
            self.publishes_to.publish(SettingsChanged())
        return self.current
