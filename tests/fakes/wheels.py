"""A program that needs one package, which is made here."""

from __future__ import annotations

import zipfile
from pathlib import Path

from companion.launcher.environment import PROGRAM_LOCK, TEST_LOCK
from companion.launcher.release import digest_of


def need_greeting(root: Path, wheels: Path, version: str) -> None:
    """The program in `root` needs the package `greeting` of this version, which lies in `wheels`
    then."""
    wheels.mkdir(exist_ok=True)
    project = f'[project]\ndependencies = ["greeting>={version}"]\n'
    (root / "pyproject.toml").write_text(project, "utf-8")
    info = f"greeting-{version}.dist-info"
    files = {
        "greeting.py": f"TEXT = 'hello {version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = wheels / f"greeting-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    lock(root, f"greeting=={version}", path)


def lock(root: Path, pin: str, file: Path) -> None:
    """Only this file is the package."""
    for name in (PROGRAM_LOCK, TEST_LOCK):
        line = f"{pin} \\\n    --hash=sha256:{digest_of(file)}\n"
        (root / name).write_text(line, "utf-8")
