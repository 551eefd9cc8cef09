"""What every test shares: hypothesis profiles and the clean environment of a made-up machine."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", parent=settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True, scope="session")
def _no_setting_of_this_machine() -> Iterator[None]:
    """A developer's own COMPANION_… variables must not reach a test."""
    kept = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("COMPANION_")}
    yield
    os.environ.update(kept)
