"""What differs between a folder with run.py and a package that pipx or uv installed.

The files that the browser loads are `static/` beside the package in a checkout; in the wheel
hatchling puts the same folder inside it (`[tool.hatch.build.targets.wheel.force-include]`).
Sentences name commands as they are typed in a folder; `typed` gives them as they are typed here.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
INSTALLED = (_PACKAGE / "static").is_dir()


def static_dir() -> Path:
    """The wheel's folder when there is one, otherwise the checkout's."""
    return _PACKAGE / "static" if INSTALLED else _PACKAGE.parent / "static"


def typed(words: str, *, installed: bool = INSTALLED) -> str:
    """``python run.py doctor`` is ``companion doctor`` where there is no run.py."""
    if not installed or "run.py" not in words:
        return words
    return words.replace("python run.py", "companion").replace("run.py ", "companion ")
