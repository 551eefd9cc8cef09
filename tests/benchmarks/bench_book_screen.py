"""The day view with 20 practitioners and 400 appointments, in Chromium: from click to drawn (what
is out of sight follows a moment later) and from drop to confirmed; in a book of 2,000 and in one
of 100,000, which must make no difference.

The issue asks for 300 ms and 150 ms; both are printed. Only the ratio is asserted.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.e2e.book_server import KnownBrowser, known_browser

pytestmark = [pytest.mark.benchmark, pytest.mark.browser, pytest.mark.timeout(300)]

PEOPLE, A_DAY = 20, 400
ROUNDS = 8

CLICK = """async (label) => {
    const frame = document.querySelector(".book__frame");
    const before = frame.dataset.shown;
    const button = document.querySelector(`[aria-label="${label}"]`);
    const began = performance.now();
    button.click();
    while (frame.dataset.shown === before) await new Promise(requestAnimationFrame);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - began;
}"""
WATCH = """() => {
    const frame = document.querySelector(".book__frame");
    window.seen = {};
    addEventListener("pointerup", () => (window.seen = { dropped: performance.now() }), true);
    const look = () => (window.seen.shown ??= performance.now());
    new MutationObserver(look).observe(frame, { attributes: true });
}"""


@pytest.fixture(scope="module", params=[2_000, 100_000])
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, KnownBrowser]]:
    home = tmp_path_factory.mktemp("home")
    with known_browser(
        "serve_book.py", str(home), str(PEOPLE), str(A_DAY), str(request.param)
    ) as opened:
        yield request.param, opened


measured: dict[int, tuple[float, float]] = {}


def test_a_day_is_drawn_and_a_drop_confirmed_quickly(office: tuple[int, KnownBrowser]) -> None:
    size, opened = office
    page = opened.window(1600, 1000)
    page.goto("/book")
    page.wait_for_selector(".book-event")
    page.wait_for_timeout(500)
    drawn = []
    for turn in range(ROUNDS):
        drawn.append(page.evaluate(CLICK, "Previous" if turn % 2 else "Next"))
        page.wait_for_function(f"document.querySelectorAll('.book-event').length === {A_DAY}")
        page.wait_for_timeout(300)
    page.evaluate(WATCH)
    confirmed = [drop(page) for _ in range(ROUNDS)]
    measured[size] = (statistics.median(drawn), statistics.median(confirmed))
    print(
        f"\n{PEOPLE} practitioners, {A_DAY} appointments, {size:,} in the book: drawn "
        f"{measured[size][0]:.0f} ms after the click (all {', '.join(f'{e:.0f}' for e in drawn)}), "
        f"a drop confirmed after {measured[size][1]:.0f} ms "
        f"(all {', '.join(f'{e:.0f}' for e in confirmed)})"
    )
    page.context.close()


def drop(page: Page) -> float:
    """Drag the first appointment on screen a quarter of an hour; milliseconds until the server's
    answer is drawn."""
    event = page.locator(".book-event").nth(60)
    event.scroll_into_view_if_needed()
    box = event.bounding_box()
    assert box is not None
    x, y = box["x"] + 20, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 12, steps=2)
    page.mouse.move(x, y + 24, steps=2)
    page.mouse.up()
    page.wait_for_function("window.seen.shown")
    taken: float = page.evaluate("window.seen.shown - window.seen.dropped")
    page.wait_for_timeout(900)  # the edit is seen again by the look at all revisions
    return taken


def test_a_large_book_makes_no_difference() -> None:
    if len(measured) == 2:
        small, large = measured[2_000], measured[100_000]
        assert large[0] < 1.5 * small[0]
        assert large[1] < 2 * small[1]
