"""Release: what belongs to the program's folder, its list with hashes, and reading one.

A release is a zip with one folder in it, which holds the program and ``release.json``: its name,
its version, and the SHA-256 of every file. Reading one proves that it is whole, and that nothing is
in it beside what the list names; it cannot prove who made it. That is what the published SHA-256 of
the whole file is for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from companion.launcher.setup_errors import SetupError

NAME, LIST = "Calendar Companion", "release.json"
PARTS = (
    *("companion", "static", "run.py", "pyproject.toml", "requirements.txt"),
    *("requirements-test.txt", "README.md", "CHANGELOG.md", "LICENSE"),
    *(f"Start Calendar Companion.{each}" for each in ("cmd", "command", "desktop")),
)
"""Of the program's folder: what is part of the program. Whatever else lies there is not ours."""
ONLY_IN_A_CHECKOUT = frozenset({"companion/testing.py", "companion/packaging.py"})
MOST_FILES, MOST_BYTES = 20_000, 500_000_000
_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)
_NUMBERS = re.compile(r"(\d+(?:\.\d+)*)(.*)")


@dataclass(frozen=True)
class Release:
    version: str
    digest: str
    """SHA-256 of the file; empty for a folder."""
    listed: int
    """Files whose hashes were compared; 0 where there is no list, as in a checkout."""


def take(source: Path, into: Path, sha256: str = "") -> Release:
    """The release in a zip or a folder, copied to `into`, which must not exist. Raises SetupError
    for whatever is not a whole release, OSError."""
    if source.is_dir():
        return _take_folder(_unpacked(source), into)
    if source.suffix.lower() == ".whl":
        raise SetupError(
            f"{source.name} is a wheel, for Calendar Companion as pipx or uv install it.",
            "Take the zip of that version for this folder.",
        )
    digest = digest_of(source)
    if sha256 and digest != sha256.strip().lower():
        raise SetupError(
            f"{source.name} is not the file that was published: its SHA-256 is {digest}.",
            "Fetch it again, and compare it again. Nothing was changed.",
        )
    try:
        with zipfile.ZipFile(source) as archive:
            listed = _unpack(archive, into)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise _broken(source.name) from error
    return Release(version=version_in(into), digest=digest, listed=listed)


def version_in(folder: Path) -> str:
    """Raises SetupError where no program of ours is."""
    try:
        found = _VERSION.search((folder / "companion" / "__init__.py").read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None or not (folder / "run.py").is_file():
        raise SetupError(
            "That is not a version of Calendar Companion.",
            "Choose the zip of a newer version, or the folder that was unpacked from it.",
        )
    return found[1]


def is_newer(wanted: str, present: str) -> bool:
    """``1.10`` is newer than ``1.9``, ``1.0`` than ``1.0rc1``."""
    return _order(wanted) > _order(present)


def _order(version: str) -> tuple[list[int], bool, str]:
    found = _NUMBERS.match(version)
    if found is None:
        return [], False, version
    numbers = [int(each) for each in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers, not found[2], found[2]


def files_of(root: Path) -> Iterator[str]:
    """Every file of the program, with slashes, sorted; without what only a checkout has."""
    for part in PARTS:
        place = root / part
        if place.is_file():
            yield part
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(each for each in folders if each != "__pycache__")
            for name in sorted(names):
                path = (Path(folder) / name).relative_to(root).as_posix()
                if not name.endswith(".pyc") and path not in ONLY_IN_A_CHECKOUT:
                    yield path


def list_of(root: Path) -> bytes:
    """The content of its ``release.json``."""
    document = {
        "name": NAME,
        "version": version_in(root),
        "files": {each: digest_of(root / each) for each in files_of(root)},
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _unpacked(source: Path) -> Path:
    """Windows unpacks a zip into a folder around the one that is in it."""
    inside = [each for each in source.iterdir() if (each / "run.py").is_file()]
    return inside[0] if len(inside) == 1 and not (source / "run.py").exists() else source


def _take_folder(source: Path, into: Path) -> Release:
    version = version_in(source)
    into.mkdir(parents=True)
    listed: dict[str, str] = {}
    if (source / LIST).is_file():
        listed = _read_list((source / LIST).read_bytes(), source.name)
        shutil.copyfile(source / LIST, into / LIST)
    for name in listed or files_of(source):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy(source / name, target)
        except FileNotFoundError:
            raise _broken(source.name) from None
        if listed and digest_of(target) != listed[name]:
            raise _broken(source.name)
    return Release(version=version, digest="", listed=len(listed))


def _unpack(archive: zipfile.ZipFile, into: Path) -> int:
    """How many files; each is what the list says, and nothing else is there."""
    name = Path(archive.filename or "").name
    members = {each.filename: each for each in archive.infolist() if not each.is_dir()}
    lists = [each for each in members if each.count("/") == 1 and each.endswith(f"/{LIST}")]
    if len(lists) != 1:
        raise SetupError(
            f"{name} is not a version of Calendar Companion.",
            "Choose the zip of a newer version.",
        )
    top = lists[0][: -len(LIST)]
    if len(members) > MOST_FILES or sum(e.file_size for e in members.values()) > MOST_BYTES:
        raise _broken(name)
    listed = _read_list(_content(archive, members[lists[0]]), name)
    if {f"{top}{each}" for each in listed} | {lists[0]} != members.keys():
        raise _broken(name)
    into.mkdir(parents=True)
    (into / LIST).write_bytes(_content(archive, members[lists[0]]))
    for path, wanted in listed.items():
        member = members[f"{top}{path}"]
        content = _content(archive, member)
        if hashlib.sha256(content).hexdigest() != wanted:
            raise _broken(name)
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        if member.external_attr >> 16 & 0o100:
            target.chmod(0o755)
    return len(listed)


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """No more of it than it says."""
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _broken(Path(archive.filename or "").name)
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise _broken(Path(archive.filename or "").name)
    return content


def _read_list(content: bytes, name: str) -> dict[str, str]:
    try:
        document: Any = json.loads(content)
        files = document["files"]
        ours = document["name"] == NAME and isinstance(document["version"], str)
        right = all(_harmless(path) and isinstance(files[path], str) for path in files)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(name) from error
    if not ours or not right or not files:
        raise _broken(name)
    return dict(files)


def _harmless(path: object) -> bool:
    """A path inside one of our parts, on any system."""
    if not isinstance(path, str) or "\\" in path or ":" in path or "\0" in path:
        return False
    parts = PurePosixPath(path).parts
    return path == "/".join(parts) and ".." not in parts and parts[:1] in {(e,) for e in PARTS}


def _broken(name: str) -> SetupError:
    return SetupError(
        f"{name} is damaged or incomplete, or holds what does not belong to this version.",
        "Fetch it again from where it is published. Nothing was changed.",
    )
