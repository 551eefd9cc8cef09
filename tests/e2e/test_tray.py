"""The tray for real: an X server without a screen, a panel, and the app in the background.

What a person would see is read from the icon's own window; a click is given by the X server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.command_home import CommandHome, open_desk
from tests.e2e.test_background import processes_of, started
from tests.fakes.browsers import recording_browser
from tests.fakes.waiting import wait_until
from tests.fakes.warm import ROOT

SHOTS = os.environ.get("COMPANION_SCREENSHOTS", "")
COMPLETE = "COMPANION_TEST_COMPLETE" in os.environ
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        sys.platform != "linux"
        or not (COMPLETE or (shutil.which("Xvfb") and shutil.which("trayer"))),
        reason="needs Linux with Xvfb and trayer",
    ),
]


@pytest.fixture
def server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An X display without a screen: its name and its process."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "640x200x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as told:
            yield f":{told.readline().strip()}", server
        server.terminate()


@contextmanager
def panel(display: str) -> Iterator[None]:
    command = ["trayer", "--edge", "top", "--align", "right", "--height", "32"]
    environment = {**os.environ, "DISPLAY": display}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as tray:
        yield
        tray.terminate()


@pytest.fixture
def screen(server: tuple[str, object]) -> Iterator[str]:
    """The name of an X display with a panel."""
    with panel(server[0]):
        yield server[0]


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[CommandHome]:
    with open_desk(tmp_path, CommandHome) as made:
        yield made
        for each in [*processes_of(made.home), *processes_of(made.home, "tray")]:
            each.kill()


class Icon:
    """As the X server has it."""

    def __init__(self, display: str) -> None:
        from Xlib.display import Display

        self._display = Display(display)
        self._root = self._display.screen().root

    def close(self) -> None:
        self._display.close()

    def window(self) -> Any:
        waiting = [self._root]
        while waiting:
            each = waiting.pop()
            named = each.get_wm_class()
            if named and named[1] == "calendar-companion" and each.get_geometry().width > 1:
                return each
            waiting += each.query_tree().children
        return None

    def picture(self) -> Image.Image:
        from Xlib import X, error

        with suppress(error.XError):
            if (window := self.window()) is not None:
                shape = window.get_geometry()
                seen = window.get_image(0, 0, shape.width, shape.height, X.ZPixmap, 0xFFFFFFFF)
                size = (shape.width, shape.height)
                return Image.frombytes("RGB", size, seen.data, "raw", "BGRX")
        return Image.new("RGB", (1, 1))

    def has_colour(self, wanted: tuple[int, int, int]) -> bool:
        pixels = self.picture().getcolors(10_000) or []
        return any(
            count > 3 and all(abs(a - b) < 24 for a, b in zip(colour, wanted, strict=True))
            for count, colour in pixels
            if isinstance(colour, tuple)
        )

    def click(self) -> None:
        from Xlib import X
        from Xlib.ext import xtest

        window = self.window()
        at = window.translate_coords(self._root, 0, 0)
        xtest.fake_input(self._display, X.MotionNotify, x=-at.x + 8, y=-at.y + 8)
        xtest.fake_input(self._display, X.ButtonPress, 1)
        xtest.fake_input(self._display, X.ButtonRelease, 1)
        self._display.sync()

    def keep(self, name: str) -> None:
        if SHOTS:
            from Xlib import X

            whole = self._root.get_image(0, 0, 640, 200, X.ZPixmap, 0xFFFFFFFF)
            picture = Image.frombytes("RGB", (640, 200), whole.data, "raw", "BGRX")
            picture.save(Path(SHOTS) / f"{name}.png")


GREEN, GREY = (0x1E, 0x7F, 0x4F), (0x5B, 0x6A, 0x72)


def test_the_icon_shows_the_state_opens_the_app_and_goes_with_it(
    screen: str, commands: CommandHome, tmp_path: Path
) -> None:
    with recording_browser(tmp_path) as recorder:
        started(commands, DISPLAY=screen, BROWSER=recorder.variable)
        icon = Icon(screen)
        wait_until(lambda: icon.has_colour(GREEN), 600)
        icon.keep("tray-well")

        icon.click()
        with recorder.opened() as opened:
            assert "launch=" in opened.page.read_text("utf-8")

        commands.run("pause")
        wait_until(lambda: icon.has_colour(GREY) and not icon.has_colour(GREEN), 600)
        icon.keep("tray-paused")
        commands.run("resume")
        wait_until(lambda: icon.has_colour(GREEN), 600)

    commands.run("stop")
    wait_until(lambda: icon.window() is None, 600)
    icon.close()
    wait_until(lambda: not processes_of(commands.home, "tray"), 600)


def test_the_icon_comes_back_with_its_panel_and_ends_with_the_desktop(
    server: tuple[str, subprocess.Popen[bytes]], commands: CommandHome
) -> None:
    display, process = server
    started(commands, DISPLAY=display)
    icon = Icon(display)
    for _ in range(2):
        with panel(display):
            wait_until(lambda: icon.has_colour(GREEN), 600)
    icon.close()
    process.terminate()
    wait_until(lambda: not processes_of(commands.home, "tray"), 600)
    assert processes_of(commands.home)


SHOWN_AND_ENDED = """
from companion.desktop.tray import Tray

for count in range(3, 27):
    moods = iter(["well", "paused", "waiting", "offline"] * count)
    says = [{"mood": next(moods), "sentence": "It is so."} for _ in range(count)]
    Tray(lambda _: says.pop() if says else None, lambda: None, seconds=0.01).run()
    print(count)
"""


def test_no_end_of_an_icon_is_lost(screen: str) -> None:
    """The thread that watches the app and the loop of the icon never use the X server at once."""
    ran = subprocess.run(
        [sys.executable, "-c", SHOWN_AND_ENDED],
        env={**os.environ, "DISPLAY": screen},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.split() == [str(count) for count in range(3, 27)]
    assert not ran.stderr
