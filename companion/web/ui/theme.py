"""The frame of every page: navigation, demo banner, light and dark; and small elements.

All looks are in static/app.css; here are only structure and names. A page is opened with `frame`,
a context manager, so that no page can forget the banner or the navigation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from companion.assets import typed
from companion.domain.errors import CompanionError
from companion.domain.practice_errors import DatabaseAway
from companion.domain.users import User
from companion.services.workstations import AWAY_GOES_ON, AWAY_RESTS
from companion.web.ui.error_reports import report_errors
from companion.web.ui.presses import on_press, once
from companion.web.ui.site import Site
from companion.web.ui.static_html import StaticHtml, icon, tag


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationEntry:
    """One entry of the navigation."""

    path: str
    label: str
    icon: str
    daily: bool = False
    """Stands in the bar of a narrow window; the others are behind *More* there."""


PLACES = (
    NavigationEntry(path="/", label="Overview", icon="space_dashboard", daily=True),
    NavigationEntry(path="/book", label="Book", icon="calendar_view_day", daily=True),
    NavigationEntry(path="/import", label="Import", icon="upload_file", daily=True),
    NavigationEntry(path="/phone", label="Phones", icon="smartphone", daily=True),
    NavigationEntry(path="/practice", label="Practice", icon="local_hospital"),
    NavigationEntry(path="/users", label="Users", icon="badge"),
    NavigationEntry(path="/doctor", label="Doctor", icon="health_and_safety"),
    NavigationEntry(path="/backup", label="Backup", icon="archive"),
)

MORE = "nav-more"
CONTENT = "content"
"""Where the keyboard goes past the navigation."""
THEMES: dict[str, bool | None] = {"auto": None, "light": False, "dark": True}
SERVER_LOOK_SECONDS = 1.0
_NEXT_THEME = {"auto": "light", "light": "dark", "dark": "auto"}
_THEME_ICON = {"auto": "contrast", "light": "light_mode", "dark": "dark_mode"}

Tone = Literal["ok", "warn", "bad", "info", "calm"]
_TONE_ICON = {
    "ok": "check_circle",
    "warn": "warning",
    "bad": "error",
    "info": "info",
    "calm": "info",
}


# Set once, with the class: NiceGUI reads it anew for each element otherwise.
class Text(TextElement, default_props="dir=auto"):
    """Words in a plain HTML element; their own direction decides how they are set."""


class Button(ui.button, default_props="unelevated no-caps", default_classes="btn"):
    """With our looks instead of Quasar's."""


def text(words: str, classes: str = "", *, tag: str = "p") -> Text:
    """Words in `tag`."""
    made = Text(tag=tag, text=typed(words))
    return made.classes(classes) if classes else made


def box(classes: str = "", *, tag: str = "div") -> ui.element:
    made = ui.element(tag)
    return made.classes(classes) if classes else made


def set_class(element: ui.element, name: str, *, on: bool) -> None:
    element.classes(**{"add" if on else "remove": name})


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names, and beside each what is known of it."""
    with box("facts", tag="dl"):
        for name, value in pairs:
            text(name, tag="dt")
            text(value, tag="dd")


def scrolling(label: str, *, tall: bool = False) -> ui.element:
    """What is wider than the window, or `tall`, scrolls in a region of its own, by keyboard too."""
    made = box("scrolls scrolls--tall" if tall else "scrolls")
    made.props("tabindex=0 role=region").props["aria-label"] = label
    return made


def button(
    label: str,
    on_click: Callable[..., Any] | None = None,
    *,
    icon: str | None = None,
    look: Literal["primary", "second", "plain", "danger"] = "second",
    repeats: bool = False,
) -> ui.button:
    """`repeats`: it may be pressed many times in a row, as fast as somebody likes."""
    made = Button(label, icon=icon, color=None)
    if repeats:
        made.props("data-repeats")
    if on_click is not None:
        made.on("click", report_errors(on_click) if repeats else once(on_click, made), args=[])
    return made.classes(f"btn--{look}")


def menu_item(label: str, on_click: Callable[..., Any]) -> None:
    """In a `ui.menu`, which closes by itself."""
    item = ui.menu_item(label, auto_close=False).props("role=menuitem")
    on_press(item, on_click)


def link_button(
    label: str,
    target: str,
    *,
    icon: str | None = None,
    look: Literal["primary", "second", "plain"] = "second",
) -> ui.button:
    """A real link that looks like a button: middle click and "open in new tab" work."""
    made = button(label, icon=icon, look=look)
    made.props["href"] = target
    return made


def badge(words: str, tone: Tone) -> Text:
    return text(words, f"badge badge--{tone}", tag="span")


@contextmanager
def notice(tone: Tone, *, icon: str = "", alert: bool = False) -> Iterator[ui.element]:
    with box(f"notice notice--{tone}") as outer:
        if alert:
            outer.props("role=alert")
        ui.icon(icon or _TONE_ICON[tone]).props("aria-hidden=true")
        with box("notice__text stack"):
            yield outer


def say_error(error: CompanionError) -> None:
    """In the place at hand, at once to a screen reader."""
    with notice("bad", alert=True):
        text(error.what, "strong")
        text(error.remedy)


@contextmanager
def card(title: str = "", *, classes: str = "") -> Iterator[ui.element]:
    with box(f"card {classes}", tag="section" if title else "div") as outer:
        if title:
            heading = text(title, tag="h2")
            outer.props(f"aria-labelledby={heading.html_id}")
        yield outer


@contextmanager
def frame(
    site: Site,
    title: str,
    *,
    active: str = "",
) -> Iterator[ui.element]:
    """The page `title` inside navigation and banner; `active` is the path of its place. A timer
    sends the page to the browser as it is, so whoever awaits makes timers afterwards."""
    ui.page_title(f"{title} – Calendar Companion")
    chosen = _chosen_theme()
    dark = ui.dark_mode(THEMES[chosen])
    with ui.context.client.layout, box("nav", tag="nav").props('aria-label="Main"') as nav:
        _navigation(site, active, dark, chosen)
    nav.move(target_index=0)  # before the page, as it is on screen: the keyboard goes there first
    if site.options.demo:
        _demo_banner(site)
    look = _away_banner(site) if site.services.shared_practice.shared else None
    with box("page") as page:
        page.props(f"id={CONTENT} tabindex=-1")
        yield page
    if look is not None:
        ui.timer(SERVER_LOOK_SECONDS, look)


def _navigation(site: Site, active: str, dark: ui.dark_mode, chosen: str) -> None:
    user = site.who()
    skip = text("Skip to the page", "skip", tag="a")
    skip.props["href"] = f"#{CONTENT}"
    brand = tag("img", src="/static/icon.svg", alt="") + tag("span", "Calendar Companion")
    StaticHtml(brand, "nav__brand", tag="a").props(
        'href="/" aria-label="Calendar Companion, overview"'
    )
    mine = [place for place in PLACES if site.pages[place.path].offered(user)]
    seldom = [place for place in mine if not place.daily]
    StaticHtml(_entries([place for place in mine if place.daily], active), "nav__list", tag="ul")
    # The browser opens and closes it, gives the focus back, and knows Escape.
    more = StaticHtml(icon("menu") + tag("span", "More"), "nav__link nav__more", tag="button")
    more.props(f"type=button popovertarget={MORE}")
    if active in {place.path for place in seldom}:
        more.classes("nav__more--here")
    with box("nav__rest").props(f"id={MORE} popover=auto"):
        if seldom:
            StaticHtml(_entries(seldom, active), "nav__list", tag="ul")
        _account(user)
        with box("nav__foot"):
            text(f"Version {site.options.version}", "soft small", tag="span")
            _theme_switch(dark, chosen)


def _entries(places: Iterable[NavigationEntry], active: str) -> Markup:
    """The same on every page, so one element is enough for all of them."""
    return Markup("").join(
        tag(
            "li",
            tag(
                "a",
                icon(place.icon) + tag("span", place.label),
                class_="nav__link",
                href=place.path,
                **({"aria_current": "page"} if place.path == active else {}),
            ),
        )
        for place in places
    )


def _account(user: User) -> None:
    """Who is signed in, and the way out: a form, because only an HTTP answer ends a cookie."""
    with box("nav__account"):
        entry = StaticHtml(icon("account_circle") + tag("span", user.name), "nav__link", tag="a")
        entry.props["href"], entry.props["aria-label"] = "/account", f"Account of {user.name}"
        with box(tag="form").props('method="post" action="/sign-out"'):
            leave = button("", icon="logout", look="plain").classes("btn--icon")
            leave.props('type=submit aria-label="Sign out" title="Sign out"')


def _theme_switch(dark: ui.dark_mode, chosen: str) -> None:
    state = {"chosen": chosen}

    def name() -> None:
        words = {"auto": "as this computer", "light": "light", "dark": "dark"}[state["chosen"]]
        switch.props["aria-label"] = switch.props["title"] = f"Colours: {words}. Change"

    def next_theme() -> None:
        state["chosen"] = _NEXT_THEME[state["chosen"]]
        dark.value = THEMES[state["chosen"]]
        switch.props["icon"] = _THEME_ICON[state["chosen"]]
        name()
        ui.run_javascript(f'companionTheme("{state["chosen"]}")')

    switch = button("", next_theme, icon=_THEME_ICON[chosen], look="plain", repeats=True)
    switch.classes("btn--icon")
    name()


def _chosen_theme() -> str:
    request = ui.context.client.request
    chosen = request.cookies.get("companion-theme", "auto") if request else "auto"
    return chosen if chosen in THEMES else "auto"


def _demo_banner(site: Site) -> None:
    with box("demo").props('role=note aria-label="Demo"'):
        simulated = "Google and Cliniko" if site.options.demo_cliniko else "Google"
        with box(tag="span"):
            text("Demo", tag="span")
            text(
                f": invented people, simulated {simulated}. Nothing leaves this computer. "
                f"Signed in by itself as {site.who().name}.",
                tag="span",
            )
        if site.options.demo_google:
            ui.link("Simulated Google", site.options.demo_google, new_tab=True)
        if site.options.demo_cliniko:
            ui.link("Simulated Cliniko", site.options.demo_cliniko, new_tab=True)
        if site.options.end_demo is not None:
            with box("demo__end", tag="form").props('method="post" action="/demo/end"'):
                button("End the demo", look="plain").props("type=submit")


def _away_banner(site: Site) -> Callable[[], None]:
    """While the server of a shared practice is away. Returns what shows it, or takes it away."""
    place = box().props("role=status")
    shown = {"away": False}

    def look() -> None:
        away = bool(site.known_until())
        if away is shown["away"]:
            return
        shown["away"] = away
        place.clear()
        if away:
            with place, box("away"):
                ui.icon("cloud_off").props("aria-hidden=true")
                with box():
                    text(DatabaseAway.default_what, "strong")
                    text(f"{AWAY_GOES_ON} {AWAY_RESTS}")
                    text(f"What this page shows was last known at {site.known_until()}.")

    look()
    return look


def page_head(title: str, lead: str = "") -> tuple[ui.element, Text]:
    """(a place for buttons at the right, the lead, which may change later)."""
    with box("page__head"):
        with box():
            text(title, tag="h1")
            below = text(lead, "soft")
        return box("page__actions"), below


def back_link(label: str = "Overview", target: str = "/") -> None:
    with box("back", tag="a").props(f'href="{target}"'):
        ui.icon("arrow_back").props("aria-hidden=true")
        text(label, tag="span")
