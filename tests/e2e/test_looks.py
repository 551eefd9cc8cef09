"""What is seen: words that can be read in both themes, menus beside what opens them, notices that
neither pile up nor stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.book_server import KnownBrowser
from tests.e2e.book_window import enter, go
from tests.e2e.screen import settle, still

pytestmark = pytest.mark.browser
DAY = "2026-12-17"
LEAST = 4.5
"""Contrast of words, by WCAG 2.2 AA."""
CONTRASTS = """(selector) => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((each) => {
      const share = each / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let up = element; up; up = up.parentElement) {
      const colour = getComputedStyle(up).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll(selector)]
    .flatMap((each) => [each, ...each.querySelectorAll("*")])
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((each) => {
      const [one, other] = [light(getComputedStyle(each).color), light(ground(each))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return [each.textContent.trim().slice(0, 30), Math.round(100 * ratio) / 100];
    });
}"""
EVERY_TONE = """() => {
  const place = document.querySelector(".page");
  for (const tone of ["ok", "warn", "bad", "info", "calm"]) {
    for (const kind of ["badge", "notice"]) {
      const made = document.createElement("p");
      made.className = `${kind} ${kind}--${tone} tone-test`;
      made.textContent = `${kind} ${tone}`;
      place.append(made);
    }
  }
  const empty = document.createElement("div");
  empty.className = "card empty";
  empty.innerHTML = `<div class="actions tone-test"><a class="q-btn btn btn--primary"><i
    class="q-icon">icon</i></a></div>`;
  place.append(empty);
}"""
CLIPPED = """() => [...document.querySelectorAll(".scrolls, .card, .page")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)"""


@pytest.fixture
def page(office: KnownBrowser) -> Iterator[Page]:
    window = office.window(reduced_motion="reduce")
    yield window
    window.context.close()


def test_notices_can_be_read_in_both_themes_go_by_themselves_and_are_three_at_most(
    page: Page,
) -> None:
    go(page, DAY)
    enter(page, "Noticed")
    page.get_by_role("button", name="Undo new appointment").click()
    done = page.locator(".toast--ok")
    expect(done).to_contain_text("Undone")
    page.evaluate(EVERY_TONE)
    seen = dict(page.evaluate(CONTRASTS, ".toast, .tone-test"))
    assert {"Close", "badge warn", "notice calm", "icon"} <= seen.keys()
    expect(done).to_have_count(0, timeout=15_000)
    page.evaluate(
        """() => ["ok", "bad", "info", "bad"].forEach((tone, number) => Quasar.Notify.create({
          message: `Notice ${number}`, caption: "What to do.", closeBtn: "Close", timeout: 0,
          position: "bottom-right", textColor: "ink", classes: `toast toast--${tone}` }))"""
    )
    expect(page.get_by_text("Notice 0")).to_have_count(0)
    expect(page.locator(".toast")).to_have_count(3)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        still(page)
        seen = dict(page.evaluate(CONTRASTS, ".toast, .tone-test"))
        assert {"Close", "What to do.", "Notice 3", "badge warn", "notice calm"} <= seen.keys()
        assert {words: ratio for words, ratio in seen.items() if ratio < LEAST} == {}, theme
    toolbar = page.locator(".book__bar").bounding_box()
    top = min(box["y"] for each in page.locator(".toast").all() if (box := each.bounding_box()))
    assert toolbar is not None
    assert top > toolbar["y"] + toolbar["height"]


def test_a_menu_is_as_wide_as_what_it_holds_and_beside_its_button(page: Page) -> None:
    go(page, DAY)
    nav = page.get_by_role("navigation").bounding_box()
    assert nav is not None
    for opener in (
        page.get_by_role("button", name="More"),
        page.get_by_role("button", name="Filters"),
        page.get_by_role("combobox", name="Practitioners"),
    ):
        opener.click()
        menu = page.locator(".q-menu")
        expect(menu).to_be_visible()
        still(page)
        box, trigger = menu.bounding_box(), opener.bounding_box()
        assert box is not None
        assert trigger is not None
        assert box["width"] <= max(320, trigger["width"] + 80)
        assert box["x"] >= nav["x"] + nav["width"]
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)


def test_no_table_is_clipped_in_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/phone", "/progress", "/users", "/sources"):
        page.goto(path)
        expect(page.locator(".card").first).to_be_visible()
        settle(page)
        assert page.evaluate(CLIPPED) == [], path


def test_a_lost_connection_is_one_quiet_line_that_covers_nothing_pressed(page: Page) -> None:
    page.goto("/users")
    expect(page.get_by_role("button", name="Add user")).to_be_visible()
    page.wait_for_function("window.did_handshake")
    page.evaluate("window.socket.disconnect()")
    line = page.get_by_role("status").filter(has_text="The connection is interrupted.")
    expect(line).to_be_visible()
    seen = page.evaluate(CONTRASTS, "#popup")
    assert {ratio for _, ratio in seen if ratio < LEAST} == set()
    box = line.bounding_box()
    assert box is not None
    assert (box["x"], box["y"]) == (0, 0)
    assert box["height"] < 48


def test_a_password_is_shown_and_hidden_again(page: Page) -> None:
    page.goto("/account")
    field = page.get_by_label("Present password", exact=True)
    field.fill("tram violet")
    shows = page.get_by_role("button", name="Show what is typed").first
    shows.click()
    expect(field).to_have_attribute("type", "text")
    shows.click()
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_value("tram violet")


def test_an_error_that_appears_out_of_sight_is_scrolled_to(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 600})
    page.goto("/practice")
    expect(page.locator(".card").first).to_be_visible()
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    page.evaluate(
        """() => {
          const said = document.createElement("p");
          said.setAttribute("role", "alert");
          said.textContent = "This is not so.";
          document.querySelector(".page").prepend(said);
        }"""
    )
    expect(page.get_by_role("alert")).to_be_in_viewport()
