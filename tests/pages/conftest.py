"""NiceGUI's simulated user, for the page tests only: other tests need not load NiceGUI."""

import pytest
from nicegui.testing.general_fixtures import pytest_configure as redirect_storage
from nicegui.testing.user_plugin import create_user, user

__all__ = ["create_user", "user"]


@pytest.fixture(autouse=True, scope="session")
def _storage_of_the_tests(pytestconfig: pytest.Config) -> None:
    """NiceGUI's own storage goes to a temporary folder."""
    redirect_storage(pytestconfig)
