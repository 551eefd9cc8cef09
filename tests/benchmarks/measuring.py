"""Figures of a process of their own: what it prints, and the most memory that it held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil


class PeakMemory:
    """Megabytes of this process and its children together, looked at 50 times a second."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._watcher.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        own = psutil.Process(os.getpid())
        while not self._over.wait(0.02):
            held = 0
            for each in (own, *own.children(recursive=True)):
                with suppress(psutil.Error):
                    held += each.memory_info().rss
            self.peak = max(self.peak, held / 1e6)


def figures_of(module: str, *arguments: object, given: object = None) -> dict[str, Any]:
    """What `module` of these benchmarks, run as a program, prints as JSON; `given`: what it reads
    as JSON on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)],
        input=json.dumps(given).encode(),
        check=True,
        stdout=subprocess.PIPE,
        timeout=600,
        cwd=Path(__file__).resolve().parents[2],
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def machine_load() -> str:
    return f"machine load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores"
