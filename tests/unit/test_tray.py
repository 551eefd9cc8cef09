"""The tray's process: what the icon shows and what its menu does, on an icon in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("PYSTRAY_BACKEND", "dummy")  # read when pystray is imported
    import pystray

from PIL import Image

from companion.desktop.this_desktop import may_have_a_tray
from companion.desktop.tray import MOST_TITLE, SILENT, Tray
from companion.desktop.tray_picture import tray_picture
from companion.services.standing import Mood

MOODS: tuple[Mood, ...] = ("well", "working", "waiting", "offline", "paused")


class MemoryIcon(pystray.Icon):  # type: ignore[misc] # pystray has no types
    """As pystray asks of a backend: a loop that runs until it is stopped."""

    made: ClassVar[list[MemoryIcon]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ended = threading.Event()
        self.drawn = threading.Event()
        super().__init__(*args, **kwargs)
        MemoryIcon.made.append(self)

    def _show(self) -> None:
        self.drawn.set()

    def _hide(self) -> None: ...

    def _update_icon(self) -> None:
        self._icon_valid = True

    def _update_title(self) -> None: ...

    def _update_menu(self) -> None: ...

    def _run(self) -> None:
        self._mark_ready()
        self.ended.wait()

    def _stop(self) -> None:
        self.ended.set()

    def words(self) -> list[str]:
        return [each.text for each in self.menu.items if each.text.strip("- ")]

    def press(self, label: str) -> None:
        (found,) = [each for each in self.menu.items if each.text == label]
        found(self)


class App:
    """What the tray asks."""

    def __init__(self, mood: str = "well") -> None:
        self.mood = mood
        self.asked: list[str] = []
        self.opened = 0
        self.running = True
        self.shared = False
        self.looked = threading.Semaphore(0)

    def ask(self, word: str) -> Mapping[str, Any] | None:
        self.asked.append(word)
        if word == "stop":
            self.running = False
        if word in {"pause", "resume"}:
            self.mood = "paused" if word == "pause" else "well"
        self.looked.release()
        if not self.running:
            return None
        return {"mood": self.mood, "sentence": f"It is {self.mood}.", "shared": self.shared}

    def open(self) -> None:
        self.opened += 1


def tray_of(app: App, seconds: float = 0.005) -> Tray:
    return Tray(app.ask, app.open, icon=MemoryIcon, seconds=seconds)


def begun(app: App, tray: Tray | None = None) -> tuple[MemoryIcon, threading.Thread]:
    """A tray whose icon is shown; unless told otherwise it looks every few milliseconds."""
    tray = tray or tray_of(app)
    thread = threading.Thread(target=tray.run, daemon=True)
    before = len(MemoryIcon.made)
    thread.start()
    while len(MemoryIcon.made) == before:
        app.looked.acquire(timeout=20)
    icon = MemoryIcon.made[-1]
    assert icon.drawn.wait(20)
    return icon, thread


def looks(app: App, count: int = 3) -> None:
    """Until the tray has looked so many times more."""
    while app.looked.acquire(blocking=False):
        pass
    for _ in range(count):
        assert app.looked.acquire(timeout=20)


def test_it_shows_how_the_calendars_stand_and_follows() -> None:
    app = App()
    icon, thread = begun(app)
    assert icon.title == "Calendar Companion: It is well."
    assert icon.icon is tray_picture("well")
    app.mood = "waiting"
    looks(app)
    assert icon.title == "Calendar Companion: It is waiting."
    assert icon.icon is tray_picture("waiting")
    assert icon.words()[0] == "It is waiting."
    app.running = False
    thread.join(20)
    assert not thread.is_alive()


def test_its_menu_opens_syncs_pauses_and_goes_on() -> None:
    app = App()
    icon, thread = begun(app)
    icon()  # a click, where the desktop has no menu
    icon.press("Open")
    assert app.opened == 2
    icon.press("Sync now")
    assert "sync" in app.asked
    icon.press("Pause for an hour")
    assert icon.icon is tray_picture("paused")
    icon.press("Go on now")
    assert icon.icon is tray_picture("well")
    icon.press("Quit (calendars are not kept until the next start)")
    thread.join(20)
    assert "stop" in app.asked


def test_it_ends_only_when_the_app_has_been_silent_for_a_while() -> None:
    app = App()
    icon, thread = begun(app)
    app.running = False
    looks(app, SILENT - 2)
    app.running = True
    looks(app, 3)
    assert thread.is_alive()
    assert not icon.ended.is_set()
    app.running = False
    thread.join(20)
    assert icon.ended.is_set()


def test_it_ends_at_once_when_it_is_told_that_the_app_has_ended() -> None:
    app = App()
    tray = tray_of(app, seconds=600)
    icon, thread = begun(app, tray)
    tray.app_ended()
    thread.join(20)
    assert icon.ended.is_set()
    assert app.asked == ["status"]


def test_a_long_sentence_fits_windows() -> None:
    app = App("x" * 300)
    icon, thread = begun(app)
    assert len(icon.title) == MOST_TITLE
    app.running = False
    thread.join(20)


def test_every_mood_has_a_picture_of_its_own_shape() -> None:
    """Told apart in grey too, at the size of a small tray."""
    grey = {mood: tray_picture(mood).resize((16, 16)).convert("L").tobytes() for mood in MOODS}
    assert len(set(grey.values())) == len(MOODS)
    for one in MOODS:
        for other in MOODS:
            if one < other:
                apart = sum(abs(a - b) > 40 for a, b in zip(grey[one], grey[other], strict=True))
                assert apart >= 8, (one, other, apart)


@pytest.mark.parametrize("mood", [*MOODS, "unheard of"])
def test_a_picture_is_square_and_see_through_at_its_corners(mood: str) -> None:
    picture = tray_picture(mood)
    assert isinstance(picture, Image.Image)
    assert (picture.width, picture.mode) == (picture.height, "RGBA")
    corner = picture.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert corner[3] == 0


def test_without_a_desktop_no_tray_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not may_have_a_tray("linux")
    assert may_have_a_tray("win32")
    assert may_have_a_tray("darwin")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert may_have_a_tray("linux")


def test_where_others_keep_the_calendars_quitting_is_not_said_to_stop_them() -> None:
    app = App()
    app.shared = True
    icon, thread = begun(app)
    icon.press("Quit (this workstation rests until the next start)")
    thread.join(20)
    assert "stop" in app.asked
