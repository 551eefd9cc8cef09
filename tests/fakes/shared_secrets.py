"""The secrets of a practice whose key nobody renews, unless a test does."""

from __future__ import annotations

from pathlib import Path

from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.secrets import SecretsKey, SharedSecrets
from companion.domain.practice_errors import PracticeKeyRenewed


async def _renewed() -> SecretsKey:
    raise PracticeKeyRenewed


def shared_secrets(
    access: DatabaseAccess,
    key: bytes,
    home: Path,
    practice_id: str = "practice",
    *,
    mark: bytes | None = None,
) -> SharedSecrets:
    return SharedSecrets(
        access,
        practice_id=practice_id,
        key=SecretsKey(key=key, mark=mark),
        open_anew=_renewed,
        home=home,
    )
