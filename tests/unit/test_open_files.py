"""How many files the program lets itself have open."""

import pytest

from companion.adapters.open_files import WANTED, raise_open_files

resource = pytest.importorskip("resource", reason="Windows counts no sockets among the files")


def test_the_systems_bound_is_raised_as_far_as_it_goes() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert raise_open_files() == most
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, hard)
        assert raise_open_files() == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
