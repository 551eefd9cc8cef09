"""Layouts of the practice's own: TOML files in the folder ``layouts`` of its home.

They are read for every import, so that a correction counts at once. A file that cannot be read
stops the import with a sentence: read by headings alone, it might come out otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from companion.domain.errors import BadInput
from companion.services.imports.layouts.software import Software, software_of


class OwnLayouts:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Sequence[Software]:
        """In the order of their names; none without the folder. Raises BadInput."""
        try:
            files = sorted(self._folder.glob("*.toml"))
            return [software_of(each.read_text("utf-8-sig"), each.name) for each in files]
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                "The practice's own layouts cannot be read.",
                "Check the folder “layouts” of the home: its files must be text in UTF-8.",
                field="layout",
                detail=type(error).__name__,
            ) from None  # the cause would carry a path
