"""`python run.py package`: the files of a release, in `dist/`.

A zip for people who unpack a folder (Windows above all), a wheel for pipx and uv, and the SHA-256
of both, to be published beside them. The same source gives the same bytes. Not part of either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from companion.launcher.release import LIST, digest_of, files_of, list_of, version_in

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"
_MOMENT = (2020, 1, 1, 0, 0, 0)
_EPOCH = "1577836800"
_STARTED = (".command", ".desktop")
"""Run by a double click."""


def main(arguments: Sequence[str] = ()) -> int:
    target = Path(arguments[0]) if arguments else ROOT / "dist"
    target.mkdir(parents=True, exist_ok=True)
    made = [make_zip(ROOT, target), make_wheel(ROOT, target)]
    sums = "".join(f"{digest_of(each)}  {each.name}\n" for each in made)
    (target / SUMS).write_text(sums, "utf-8", newline="\n")
    print(f"In {target}:")
    print(sums, end="")
    return 0


def make_zip(root: Path, target: Path) -> Path:
    """`root`: a checkout, or an unpacked release."""
    top = f"calendar-companion-{version_in(root)}"
    path = target / f"{top}.zip"
    draft = path.with_suffix(".part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _add(archive, f"{top}/{LIST}", list_of(root))
        for name in files_of(root):
            _add(archive, f"{top}/{name}", (root / name).read_bytes())
    draft.replace(path)
    return path


def make_wheel(root: Path, target: Path) -> Path:
    """With hatchling as it is installed here: nothing is fetched."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - made here
    return target / f"calendar_companion-{version_in(root)}-py3-none-any.whl"


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, _MOMENT)
    member.create_system = 3  # whose rights these are
    member.external_attr = (0o100755 if name.endswith(_STARTED) else 0o100644) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)
