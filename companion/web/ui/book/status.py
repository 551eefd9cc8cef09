"""The bar at the foot of the book: running uploads at the left, how the last ones ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from companion.web.ui import formatting
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, set_class, text


class BookStatus:
    def __init__(self, site: Site, names: Callable[[], Mapping[str, str]]) -> None:
        self._site = site
        self._names = names
        self._mine: set[str] = set()
        """Practitioners whose upload was started or seen here: their outcome is announced."""
        self._shown: tuple[str, float | None] = ("", None)
        self._seen = -1
        with box("book__status") as self._bar:
            with box("meter").props(
                'role=progressbar aria-label="Upload to Google" aria-valuemin=0 aria-valuemax=100'
            ) as self._meter:
                self._fill = box(tag="span")
            self._line = text("", "small").props("role=status")
            self._stop = button("Cancel upload", self._cancel, look="plain")
            self._close = button("Dismiss", self._dismiss, look="plain")
        self.look()

    def upload(self, practitioner_id: str) -> None:
        self._mine.add(practitioner_id)
        self._site.live.upload(practitioner_id)
        self.look()

    def look(self) -> None:
        """Show what runs now; cheap when nothing changed."""
        version = self._site.live.version
        if version == self._seen:
            return
        self._seen = version
        line, share = self._state()
        if (line, share) == self._shown and line:
            return
        self._shown = (line, share)
        self._line.set_text(line)
        set_class(self._bar, "book__status--idle", on=not line)
        self._meter.set_visibility(share is not None)
        self._stop.set_visibility(share is not None)
        self._close.set_visibility(bool(line) and share is None)
        if share is not None:
            self._fill.style(f"width: {100 * share:.0f}%")
            self._meter.props(f"aria-valuenow={100 * share:.0f}")

    def _state(self) -> tuple[str, float | None]:
        """(line, share done); None when nothing runs."""
        names = self._names()
        lines, done, total = [], 0, 0
        for practitioner_id, progress in self._site.live.under_way().items():
            name = names.get(practitioner_id)
            if name is None:
                continue
            if progress is None:
                lines.append(f"{name}: starting …")
            else:
                self._mine.add(practitioner_id)
                lines.append(f"{name}: {formatting.progress_line(progress)}")
                done, total = done + progress.done, total + progress.total
        if lines:
            more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
            return f"Upload to Google – {lines[0]}{more}", round(done / total, 2) if total else 0.0
        for practitioner_id in self._mine:
            status = self._site.live.status_of(practitioner_id)
            if status is not None:
                return f"{names.get(practitioner_id, '')}: {status.sentence}", None
        return "", None

    def _cancel(self) -> None:
        for practitioner_id in self._names():
            self._site.live.cancel(practitioner_id)

    def _dismiss(self) -> None:
        self._mine.clear()
        self._seen = -1
        self.look()
