"""Options of one run of the app, set by the composition root: values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from companion.web.control import Command
from companion.web.launching import LaunchTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFile:
    """An export of the sample practice that a person may try in the demo."""

    label: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AppOptions:
    port: int
    home: Path
    """Where known browsers, the control secret and files being imported are kept."""
    version: str
    launches: LaunchTokens = field(default_factory=LaunchTokens)
    demo: bool = False
    demo_google: str = ""
    """The simulated Google's own page, where its calendars can be looked at."""
    demo_cliniko: str = ""
    """The simulated Cliniko's, where a person changes its appointments."""
    samples: tuple[SampleFile, ...] = ()
    open_demo: Callable[[], Awaitable[str]] | None = None
    """Starts the demo beside this app; where it is looked at. None within the demo."""
    end_demo: Callable[[], None] | None = None
    """Ends this app, which is the demo."""
    commands: Mapping[str, Command] = field(default_factory=dict)
    """What other processes of this home may ask of the app, by its word on the control path."""

    @property
    def machines_file(self) -> Path:
        return self.home / "browsers.json"

    @property
    def control_file(self) -> Path:
        return self.home / "control.secret"

    @property
    def incoming(self) -> Path:
        """Folder of files dropped on the import page; emptied again by itself."""
        return self.home / "incoming"
