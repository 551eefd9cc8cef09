"""Who may open the data folder, on each system alike; Windows by a folder's list as it keeps it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from companion.adapters.home_rights import PosixRights, WindowsRights, home_rights, others_in
from companion.domain.errors import StoreError
from companion.services.maintenance.findings import HomeRights
from tests.fakes.maintenance import FakeRights
from tests.fakes.windows import (
    COLLEAGUE,
    IN_THE_PROFILE,
    MADE_BY_PYTHON,
    ME,
    ON_THE_DISK,
    FakeWindows,
)

Opened = tuple[HomeRights, Path]
SYSTEMS: dict[str, Callable[[], HomeRights]] = {
    "fake": lambda: FakeRights("every user of this computer"),
    "windows": lambda: WindowsRights(FakeWindows(ON_THE_DISK).run),
}
if sys.platform != "win32":
    SYSTEMS["posix"] = PosixRights


@pytest.fixture(params=SYSTEMS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """A folder that others may open."""
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    return SYSTEMS[request.param](), folder


def test_others_are_named_until_the_folder_is_closed(opened: Opened) -> None:
    rights, folder = opened
    assert "every user of this computer" in rights.others(folder)
    rights.close(folder)
    assert rights.others(folder) == ""
    rights.close(folder)
    assert rights.others(folder) == "", "and a second time"


@pytest.mark.skipif(sys.platform == "win32", reason="a folder has no mode there")
def test_a_group_and_a_way_through_are_others_too(tmp_path: Path) -> None:
    rights = home_rights()
    for mode, said in ((0o750, "a group"), (0o711, "every user"), (0o700, "")):
        tmp_path.chmod(mode)
        assert said in rights.others(tmp_path)
        assert bool(said) == bool(rights.others(tmp_path))
    with pytest.raises(StoreError):
        rights.others(tmp_path / "nowhere")


# ── Windows ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sddl", "said"),
    [
        (IN_THE_PROFILE, ""),
        (MADE_BY_PYTHON, ""),
        (
            ON_THE_DISK,
            "every user of this computer and everybody who can sign in to this computer",
        ),
        (f"{IN_THE_PROFILE}(A;OICI;FR;;;{COLLEAGUE})", "another user"),
        (f"{IN_THE_PROFILE}(A;;0x20;;;WD)", "everybody"),
        (f"{IN_THE_PROFILE}(D;OICI;FA;;;WD)", ""),
        (f"{IN_THE_PROFILE}(XA;OICI;FR;;;AU;x)", "everybody who can sign in to this computer"),
        (f"{IN_THE_PROFILE}(A;OICIIO;FA;;;CO)", ""),
        ("D:NO_ACCESS_CONTROL", "everybody"),
        ("", "everybody"),
        (f"O:{ME}G:DU{IN_THE_PROFILE}S:AI(AU;OICISAFA;FA;;;WD)", ""),
    ],
)
def test_a_list_says_who_may(sddl: str, said: str, tmp_path: Path) -> None:
    assert WindowsRights(FakeWindows(sddl).run).others(tmp_path) == said


@pytest.mark.parametrize("language", ["en", "de"])
def test_closing_cuts_what_comes_from_above_and_takes_away_what_was_granted(
    language: str, tmp_path: Path
) -> None:
    windows = FakeWindows(f"{ON_THE_DISK}(A;OICI;FA;;;{COLLEAGUE})", language=language)
    WindowsRights(windows.run).close(tmp_path)
    grants = [f"*{sid}:(OI)(CI)F" for sid in (ME, "S-1-5-18", "S-1-5-32-544")]
    assert windows.commands == [
        ["/inheritance:r", "/grant:r", *grants, "/Q"],
        ["/remove", f"*{COLLEAGUE}", "/Q"],
    ]
    assert others_in(windows.sddl, ME) == []


def test_a_new_home_is_closed_only_where_it_is_open(tmp_path: Path) -> None:
    for sddl, changes in ((ON_THE_DISK, 1), (IN_THE_PROFILE, 0), (MADE_BY_PYTHON, 0)):
        windows = FakeWindows(sddl)
        WindowsRights(windows.run).prepare(tmp_path)
        assert len(windows.commands) == changes
        assert others_in(windows.sddl, ME) == []


def test_what_windows_does_not_say_is_a_sentence(tmp_path: Path) -> None:
    windows = FakeWindows()
    windows.refuses = True
    with pytest.raises(StoreError, match="Windows does not say") as refused:
        WindowsRights(windows.run).others(tmp_path)
    assert refused.value.detail == "exit code 5"

    def missing(_: object) -> tuple[int, bytes]:
        raise FileNotFoundError

    with pytest.raises(StoreError, match="Windows does not say"):
        WindowsRights(missing).close(tmp_path)


def test_a_list_that_cannot_be_laid_down_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    with pytest.raises(StoreError, match="Windows does not say") as refused:
        WindowsRights(FakeWindows().run).prepare(tmp_path)
    assert refused.value.detail == "FileNotFoundError"


def test_a_folder_that_stays_open_is_said(tmp_path: Path) -> None:
    class Stubborn(FakeWindows):
        def _change(self, options: list[str]) -> None:
            pass

    with pytest.raises(StoreError, match="Other users may still open") as refused:
        WindowsRights(Stubborn().run).close(tmp_path)
    assert "Security" in refused.value.remedy
