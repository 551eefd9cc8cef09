"""The guide to the Google client: every step with its picture, and the warning about Testing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from nicegui import ui

from companion.assets import static_dir
from companion.web.ui.google_guide import PARTS
from tests.pages.conftest import Visit


async def test_the_guide_leads_through_googles_console(first_day: Visit) -> None:
    await first_day.user.open("/practice/google")
    for part in PARTS:
        await first_day.user.should_see(part.title)
    await first_day.user.should_see("Testing mode ends every sign-in after 7 days.")
    await first_day.user.should_see("press Publish app")
    await first_day.user.should_see("Not added yet")


async def test_it_says_when_the_file_is_there_and_what_replacing_means(visit: Visit) -> None:
    await visit.user.open("/practice/google")
    await visit.user.should_see("It is here already: banksia-calendar.")
    await visit.user.should_see("everybody has to connect again")


async def test_the_practice_page_leads_to_the_guide(visit: Visit) -> None:
    await visit.user.open("/practice")
    links = [each.props.get("href") for each in visit.elements(ui.button)]
    assert "/practice/google" in links


async def test_every_picture_is_there_drawn_by_us_and_said_in_words(first_day: Visit) -> None:
    await first_day.user.open("/practice/google")
    images = [each for each in first_day.elements(ui.element) if each.tag == "img"]
    shown = {str(e.props["src"]): e.props["alt"] for e in images if "guide" in e.props["src"]}
    assert len(shown) == len(PARTS)
    for source, alt in shown.items():
        assert alt
        path = static_dir() / source.removeprefix("/static/")
        drawing = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - as above
        kinds = {each.tag.rpartition("}")[2] for each in drawing.iter()}
        assert kinds <= {"svg", "title", "rect", "path", "circle", "text"}
