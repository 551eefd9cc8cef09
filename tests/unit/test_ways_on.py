"""An error page has the button that its sentences speak of."""

from __future__ import annotations

import pytest

from companion.domain import errors
from companion.domain.errors import CompanionError, NotFound, SignedOut, SignInDenied, StoreError
from companion.web.ways_on import OVERVIEW, ways_on

EVERY = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, CompanionError)
]


@pytest.mark.parametrize("kind", EVERY, ids=lambda each: each.__name__)
def test_what_the_remedy_says_to_press_or_open_is_there(kind: type[CompanionError]) -> None:
    error = CompanionError("x", kind.default_remedy)
    said = error.remedy.casefold()
    shown = " ".join(words for _, words in ways_on(error, here="/book", practitioner="/p/ada"))
    for spoken, button in (
        ("connect to google", "Connect to Google"),
        ("doctor", "Open the doctor"),
        ("sign in again and", "Sign in"),
        ("google client file", "Add the Google client"),
        ("restore a backup", "Open Backup"),
    ):
        assert (button in shown) >= (spoken in said), kind


def test_there_is_always_a_way_back() -> None:
    assert ways_on(NotFound("No such page.", "Check the address.")) == [OVERVIEW]
    back = ways_on(SignInDenied(), practitioner="/practitioner/ada")
    assert back[-1] == ("/practitioner/ada", "Back to the practitioner")
    assert back[0] == ("/practitioner/ada#step-3", "Go to Connect to Google")


def test_trying_again_opens_the_address_that_failed() -> None:
    assert ways_on(CompanionError(), here="/book")[0] == ("/book", "Try again")
    assert "Try again" not in [words for _, words in ways_on(CompanionError())]
    assert ways_on(SignedOut())[0] == ("/sign-in", "Sign in")
    assert ways_on(StoreError(), here="/book")[-1] == OVERVIEW
