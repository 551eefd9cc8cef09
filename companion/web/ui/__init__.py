"""The pages, and the only package that uses NiceGUI: one module for each page, shared parts in
`components/`.

Importing NiceGUI is most of the program's start. A quarter of it was aiohttp and requests, which
python-socketio imports for its clients where they are installed, and which read the system's
certificates at import; a server calls neither, and python-socketio does without them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import cast


def _import_socketio_without_clients() -> None:
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    hidden = [name for name in ("aiohttp", "requests") if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None: an import raises ModuleNotFoundError
    try:
        importlib.import_module("socketio")
    finally:
        for name in hidden:
            del modules[name]


if "socketio" not in sys.modules:
    _import_socketio_without_clients()
