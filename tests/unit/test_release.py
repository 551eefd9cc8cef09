"""A release: what is in it, and what is refused as none."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from companion.launcher.release import (
    LIST,
    ONLY_IN_A_CHECKOUT,
    digest_of,
    files_of,
    is_newer,
    take,
    version_in,
)
from companion.launcher.setup_errors import SetupError
from companion.packaging import make_zip

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program of three files."""
    root = tmp_path_factory.mktemp("small")
    for name, text in (
        ("companion/__init__.py", '__version__ = "2.0"\n'),
        ("run.py", "print('hello')\n"),
        ("Start Calendar Companion.command", "#!/bin/sh\n"),
        ("companion/testing.py", ""),
        ("companion/__pycache__/x.pyc", ""),
        ("tests/test_it.py", ""),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture(scope="module")
def release(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_zip(small, tmp_path_factory.mktemp("release"))


def changed(release: Path, folder: Path, **members: bytes | None) -> Path:
    """A copy with other members: added, replaced, or left out for None. `__list` is its list."""
    path = folder / "changed.zip"
    top = f"{release.stem}/"
    wanted = {f"{top}{name}": content for name, content in members.items()}
    with zipfile.ZipFile(release) as before, zipfile.ZipFile(path, "w") as after:
        for each in before.infolist():
            if each.filename not in wanted:
                after.writestr(each, before.read(each))
        for name, content in wanted.items():
            if content is not None:
                after.writestr(name, content)
    return path


def list_in(release: Path) -> dict[str, object]:
    with zipfile.ZipFile(release) as archive:
        found: dict[str, object] = json.loads(archive.read(f"{release.stem}/{LIST}"))
    return found


def test_a_release_is_taken_whole(small: Path, release: Path, tmp_path: Path) -> None:
    taken = take(release, tmp_path / "new", digest_of(release).upper())
    assert (taken.version, taken.listed, taken.digest) == ("2.0", 3, digest_of(release))
    assert sorted(files_of(tmp_path / "new")) == sorted(files_of(small))
    assert not (tmp_path / "new" / "tests").exists()
    started = tmp_path / "new" / "Start Calendar Companion.command"
    assert started.stat().st_mode & stat.S_IXUSR
    again = take(tmp_path / "new", tmp_path / "folder")
    assert (again.version, again.listed) == ("2.0", 3)
    assert take(small, tmp_path / "checkout").listed == 0
    (tmp_path / "around").mkdir()
    (tmp_path / "new").rename(tmp_path / "around" / "calendar-companion-2.0")
    assert take(tmp_path / "around", tmp_path / "unpacked").listed == 3


def test_the_same_source_gives_the_same_bytes(small: Path, release: Path, tmp_path: Path) -> None:
    assert make_zip(small, tmp_path).read_bytes() == release.read_bytes()


def refused(source: Path, folder: Path, sha256: str = "") -> str:
    target = folder / "new"
    with pytest.raises(SetupError) as caught:
        take(source, target, sha256)
    assert not list(folder.rglob("evil*"))
    return caught.value.what


def test_damaged_more_or_less_than_its_list_is_refused(release: Path, tmp_path: Path) -> None:
    harmed: list[dict[str, bytes | None]] = [
        {"run.py": b"print('other')"},
        {"run.py": None},
        {"companion/evil.py": b"more"},
        {LIST: b"{}"},
        {LIST: b"["},
        {LIST: json.dumps({**list_in(release), "name": "Another"}).encode()},
    ]
    for number, members in enumerate(harmed):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert "damaged or incomplete" in refused(changed(release, folder, **members), folder)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(release.read_bytes()[:-200])
    assert "damaged or incomplete" in refused(cut, tmp_path)
    assert "not the file that was published" in refused(release, tmp_path, "0" * 64)
    wheel = tmp_path / "it.whl"
    wheel.write_bytes(b"")
    assert "is a wheel" in refused(wheel, tmp_path)
    with zipfile.ZipFile(tmp_path / "holiday.zip", "w") as photos:
        photos.writestr("beach.jpg", b"")
    assert "is not a version" in refused(tmp_path / "holiday.zip", tmp_path)


@pytest.mark.parametrize(
    "path",
    ["../evil", "companion/../../evil", "/evil", "companion\\evil", "C:evil", "evil", "run.py/.."],
)
def test_no_path_leads_out_of_the_folder(release: Path, tmp_path: Path, path: str) -> None:
    files = {path: "0" * 64}
    content = json.dumps({**list_in(release), "files": files}).encode()
    source = changed(release, tmp_path, **{LIST: content, path: b"evil"})
    assert "damaged or incomplete" in refused(source, tmp_path / "in")


def test_a_link_is_refused(release: Path, tmp_path: Path) -> None:
    path = changed(release, tmp_path, **{"run.py": None})
    link = zipfile.ZipInfo(f"{release.stem}/run.py")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert "damaged or incomplete" in refused(path, tmp_path)


def test_a_folder_that_was_changed_since_is_refused(release: Path, tmp_path: Path) -> None:
    take(release, tmp_path / "new")
    (tmp_path / "new" / "run.py").write_text("other", "utf-8")
    assert "damaged or incomplete" in refused(tmp_path / "new", tmp_path / "in")
    (tmp_path / "empty").mkdir()
    assert "not a version" in refused(tmp_path / "empty", tmp_path / "in")


@pytest.mark.parametrize(
    ("wanted", "present", "newer"),
    [
        ("1.10", "1.9", True),
        ("1.0", "1.0.0", False),
        ("1.0", "1.0rc1", True),
        ("1.0rc2", "1.0rc1", True),
        ("0.9", "1.0", False),
        ("nonsense", "0.1", False),
    ],
)
def test_versions_are_compared_as_people_count(wanted: str, present: str, newer: bool) -> None:
    assert is_newer(wanted, present) is newer


def test_the_release_of_this_program_has_what_a_start_needs_and_nothing_of_a_checkout() -> None:
    files = set(files_of(ROOT))
    assert {"run.py", "requirements.txt", "companion/cli.py", "static/icon.svg"} <= files
    assert "Start Calendar Companion.cmd" in files
    assert not files & ONLY_IN_A_CHECKOUT
    assert not [each for each in files if each.startswith("tests/") or each.endswith(".pyc")]
    assert version_in(ROOT)
