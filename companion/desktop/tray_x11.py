"""Plain X11's tray, where pystray (0.19.5) needs help.

Its icon and the thread that watches the app use one connection to the X server, and python-xlib
leaves requests unsent when two threads flush at a time: the icon's end got lost, and it stayed for
good. Here the connection is the loop's alone; other threads hand it what is to be done. pystray
also handles clicks without asking the X server for them, notes the thread of its loop only after
it has let `setup` begin, and asks a panel for a place only once, although a panel that is just
starting may drop what it took (seen with trayer), and one that ends takes the place with it.
"""

from __future__ import annotations

import queue
import select
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

_HANDED_OVER = ("_show", "_hide", "_update_icon", "_update_title", "_stop")
"""What pystray does in its loop."""


def is_plain_x11(icon: type[Any]) -> bool:
    return icon.__module__.endswith("_xorg")


def has_a_place(icon: type[Any]) -> bool:
    """On plain X11 a tray is a window that may come later, with the panel; pystray looks for it
    only once."""
    if not is_plain_x11(icon):
        return True
    from Xlib import X
    from Xlib.display import Display

    display = Display()
    try:
        atom = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(atom) != X.NONE)
    finally:
        display.close()


def mend(icon: Any) -> Callable[[], None]:
    """Call it in the thread that will run the icon, before. Call what it returns now and then, from
    any thread, while the icon runs: an icon without a place asks for one again. That raises
    RuntimeError where the loop has ended."""
    if not is_plain_x11(type(icon)):
        return lambda: None
    from Xlib import X

    mask = X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask
    icon._window.change_attributes(event_mask=mask)
    icon._thread = threading.current_thread()
    icon._message_handlers[X.DestroyNotify] = lambda _: None  # of a panel: seen by `dock_again`
    loop = _Loop(icon._display, icon._window)
    for name in _HANDED_OVER:
        original = getattr(type(icon), name).__get__(icon)
        setattr(icon, name, partial(loop.do, original))
    icon._stop = partial(loop.do, loop.stop)
    icon._events = loop.events

    def dock_again() -> None:
        if icon._window.query_tree().parent == icon._display.screen().root:
            icon._icon_data = None  # drawn anew, for the size of the new place
            icon._dock_window()

    return partial(loop.do, dock_again)


class _Loop:
    """The only thread that speaks with the X server: the one that makes this."""

    def __init__(self, display: Any, window: Any) -> None:
        self._display = display
        self._window = window
        self._thread = threading.current_thread()
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._lock = threading.Lock()
        self._ended = False

    def do(self, job: Callable[[], None]) -> None:
        """In the loop's thread; returns when it is done. Raises what it raises, RuntimeError where
        the loop has ended."""
        if threading.current_thread() is self._thread:
            job()
            return
        done: Future[None] = Future()
        with self._lock:
            if self._ended:
                raise RuntimeError("the loop of the icon has ended")
            self._jobs.put((job, done))
            self._woken.send(b"1")
        done.result()

    def stop(self) -> None:
        self._window.destroy()
        self._display.sync()
        self._ended = True

    def events(self) -> Iterator[Any]:
        """pystray's, until it is stopped."""
        try:
            while not self._ended:
                self._display.sync()  # all is sent; what came with the answer is looked at first
                if self._display.pending_events():
                    yield self._display.next_event()
                    continue
                select.select([self._display.fileno(), self._wake], [], [])
                self._work()
        finally:
            self._close()

    def _work(self) -> None:
        try:
            self._wake.recv(4096)
        except BlockingIOError:
            return
        while not self._jobs.empty():
            job, done = self._jobs.get()
            try:
                job()
            except Exception as error:  # noqa: BLE001 - whoever asked for it is told
                done.set_exception(error)
            else:
                done.set_result(None)

    def _close(self) -> None:
        with self._lock:
            self._ended = True
            while not self._jobs.empty():
                self._jobs.get()[1].set_exception(RuntimeError("the loop of the icon has ended"))
        self._wake.close()
        self._woken.close()
