"""Where the files lie that the browser loads.

In a checkout they are `static/` beside the package; in the wheel hatchling puts the same folder
inside it (`[tool.hatch.build.targets.wheel.force-include]`).
"""

from pathlib import Path


def static_dir() -> Path:
    """The wheel's folder when there is one, otherwise the checkout's."""
    package = Path(__file__).resolve().parent
    installed = package / "static"
    return installed if installed.is_dir() else package.parent / "static"
