"""Presses: one at a time, shown while they run; and what is typed is not thrown away unasked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nicegui import ui

from companion.domain.errors import BadInput
from companion.web.ui.components.dialogs import Dialog, dialog
from companion.web.ui.theme import button
from tests.pages.book_page import ZOE, calendar, new_visit, open_book, own, place
from tests.pages.conftest import Visit
from tests.pages.crawling import dialogs, fade, pressable
from tests.pages.driving import button as button_of
from tests.pages.driving import field, press, tick, until

UI = Path(__file__).parents[2] / "companion" / "web" / "ui"


def test_pages_make_their_buttons_menus_and_dialogs_in_one_place() -> None:
    makers = ("ui.button(", "ui.menu_item(", "ui.dialog(", '.on("click"', ".on_click(")
    found = {
        f"{path.name}: {maker}"
        for path in UI.rglob("*.py")
        for maker in makers
        if maker in path.read_text(encoding="utf-8")
    }
    assert found == {'theme.py: .on("click"', "theme.py: ui.menu_item("}


async def test_a_button_runs_once_shows_it_and_is_free_again(visit: Visit) -> None:
    await visit.user.open("/")
    goes, runs = asyncio.Event(), []

    async def act() -> None:
        runs.append(1)
        await goes.wait()

    assert visit.user.client is not None
    with visit.user.client:
        made = button("Act", act)
    press(made)
    press(made)
    await until(lambda: "loading" in made.props and made.props["aria-busy"] == "true")
    press(made)
    assert runs == [1]
    goes.set()
    await until(lambda: "loading" not in made.props)
    press(made)
    await until(lambda: runs == [1, 1])


async def test_a_button_whose_action_failed_is_free_again(visit: Visit) -> None:
    await visit.user.open("/")
    runs = []

    def act() -> None:
        runs.append(1)
        raise BadInput("It does not go.", "Try another way.")

    assert visit.user.client is not None
    with visit.user.client:
        made = button("Act", act)
    press(made)
    await until(lambda: "It does not go." in visit.notices())
    press(made)
    await until(lambda: runs == [1, 1])


async def test_two_clicks_that_are_queued_make_one_appointment(visit: Visit) -> None:
    await open_book(visit)
    press(calendar(visit), "create", place())
    press(calendar(visit), "create", place())
    await until(lambda: button_of(visit, "Save"))
    assert len(dialogs(visit)) == 1
    field(visit, "Client's last name").value = "Testperson"
    save = button_of(visit, "Save")
    press(save)
    press(save)
    await until(lambda: not dialogs(visit))
    press(save)  # on its way while the dialog was closing
    await until(lambda: not [each for each in visit.elements(Dialog) if each.value])
    assert len(await own(visit)) == 1


async def test_two_clicks_that_are_queued_make_one_phone_link(visit: Visit) -> None:
    await visit.user.open(f"/phone/{ZOE}")
    before = len(await visit.application.services.feeds.links(ZOE))
    press(button_of(visit, "Add a device"))
    await until(lambda: dialogs(visit))
    field(visit, "Whose or which one").value = "Anna's phone"
    make = button_of(visit, "Make the link")
    press(make)
    press(make)
    await until(lambda: [each.title for each in dialogs(visit)] == ["The link for “Anna's phone”"])
    press(make)
    assert len(await visit.application.services.feeds.links(ZOE)) == before + 1


async def test_closing_asks_only_where_something_was_typed(visit: Visit) -> None:
    await open_book(visit)
    await new_visit(visit)
    press(calendar(visit), "create", place())
    await until(lambda: dialogs(visit))
    shown, last_name = dialogs(visit)[0], field(visit, "Client's last name")
    last_name.value = "Typed"
    assert "unsaved" in shown.card.classes  # leaving the page asks
    last_name.value = ""
    assert "unsaved" not in shown.card.classes
    press(shown, "shake")  # Esc, a click beside it, Back
    await until(lambda: not dialogs(visit))
    press(calendar(visit), "create", place())
    await until(lambda: dialogs(visit))
    shown = dialogs(visit)[0]
    tick(visit, "All day").value = True
    press(shown, "shake")
    await until(lambda: len(dialogs(visit)) == 2)
    assert dialogs(visit)[1].title == "Throw away what you typed?"
    press(button_of(visit, "Go on typing"))
    await until(lambda: dialogs(visit) == [shown])
    press(button_of(visit, "Close"))
    await until(lambda: len(dialogs(visit)) == 2)
    press(button_of(visit, "Throw it away"))
    await until(lambda: not dialogs(visit))
    await fade(visit)
    assert shown.is_deleted
    assert "unsaved" not in shown.card.classes


async def test_another_practitioners_hours_ask_before_typed_ones_go(visit: Visit) -> None:
    await open_book(visit)
    press(*pressable(visit)["Working hours …"])
    await until(lambda: dialogs(visit))
    who = field(visit, "Practitioner")
    was, sunday = who.value, tick(visit, "Sunday")
    other = next(key for key in who.options if key != was)
    who.value = other
    await until(lambda: tick(visit, "Sunday") is not sunday)
    tick(visit, "Sunday").value = True
    who.value = was
    await until(lambda: len(dialogs(visit)) == 2)
    press(button_of(visit, "Go on typing"))
    await until(lambda: who.value == other)
    assert tick(visit, "Sunday").value


async def test_the_first_field_of_a_dialog_has_the_focus(visit: Visit) -> None:
    await visit.user.open("/")
    assert visit.user.client is not None
    with visit.user.client, dialog("Ask"):
        ui.checkbox("Tick")
        hidden = ui.input("Hidden")
        hidden.set_visibility(False)
        first, second = ui.input("First"), ui.number("Second")
    assert [("autofocus" in each.props) for each in (hidden, first, second)] == [False, True, False]
