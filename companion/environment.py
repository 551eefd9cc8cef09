"""Environment: the program's environment variables, read and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_SERVERS = ("postgresql:", "postgresql+", "postgres:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    home: Path
    database_url: str = ""
    google_api: str = ""
    cliniko_api: str = ""
    secrets_key: str = ""
    practice_key: str = ""
    now: str = ""

    @classmethod
    def of_process(cls, variables: Mapping[str, str] = os.environ) -> Environment:
        home = variables.get("COMPANION_HOME", "").strip()
        return cls(
            home=Path(home).expanduser() if home else usual_home(),
            database_url=variables.get("COMPANION_DATABASE_URL", "").strip(),
            google_api=variables.get("COMPANION_GOOGLE_API", "").strip(),
            cliniko_api=variables.get("COMPANION_CLINIKO_API", "").strip(),
            secrets_key=variables.get("COMPANION_SECRETS_KEY", ""),
            practice_key=variables.get("COMPANION_PRACTICE_KEY", ""),
            now=variables.get("COMPANION_NOW", ""),
        )

    @property
    def names_a_server(self) -> bool:
        """COMPANION_DATABASE_URL is of a practice that several workstations share."""
        return self.database_url.lower().startswith(_SERVERS)

    @property
    def book(self) -> Path:
        """The database's file, where this home has one of its own. Raises BadInput for a URL of
        another kind."""
        from companion.adapters.database.opening import path_of  # most starts need no library yet

        if not self.database_url or self.names_a_server:
            return self.home / "companion.db"
        return path_of(self.database_url)


def usual_home() -> Path:
    """Where COMPANION_HOME says nothing."""
    return Path(platformdirs.user_data_dir("Calendar Companion", appauthor=False))
