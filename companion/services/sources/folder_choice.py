"""Which folder may be watched.

A watched folder is for exports alone, because everything dropped there is filed away: one that
already holds other files (Downloads, a desktop) is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from companion.domain.errors import BadInput
from companion.domain.settings import SourceSettings
from companion.services.sources.folders import Folder, apart


async def checked_folder(folder: str, others: Iterable[SourceSettings], home: Path) -> str:
    """Its whole path. `others`: sources besides the one it is for. Raises BadInput."""
    typed = folder.strip().strip('"')
    if not Path(typed).is_absolute():
        raise BadInput(
            "The folder must be given with its whole path.",
            r"For example C:\Exports or \\server\exports.",
            field="folder",
        )
    try:
        path = await apart(Path(typed).resolve)
        strangers = await apart(Folder(path).others)
    except OSError as error:
        raise BadInput(
            f"There is no folder {typed[:200]}, or it cannot be read.",
            "Make it first, or check that the drive or network share is connected.",
            field="folder",
            detail=type(error).__name__,
        ) from None
    own = await apart(home.resolve)
    if path in {path.parent, own} or own in path.parents:
        raise BadInput("That folder cannot be watched.", "Make one of its own.", field="folder")
    if strangers:
        raise BadInput(
            f"That folder holds other files too, such as “{strangers[0][:60]}”.",
            "Make a folder for these exports alone: whatever is dropped there is filed away.",
            field="folder",
        )
    for each in others:
        if each.folder and _overlap(Path(each.folder), path):
            raise BadInput(
                f"That folder is already watched for {each.name}.",
                "Give each source a folder of its own.",
                field="folder",
            )
    return str(path)


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents
