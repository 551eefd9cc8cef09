"""The card about notices: the form, the webhook, what fails and what was told lately."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from companion.domain.errors import BadInput
from companion.services.notices.notices import NoticesStanding
from companion.services.notices.telling import Way
from companion.web.ui.components.activity import activity_list
from companion.web.ui.components.dialogs import dialog, question
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.notice_form import NoticeForm, TestResult
from companion.web.ui.components.unsaved import Unsaved
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, text

_WAYS = {
    Way.DESKTOP: "Nothing is shown on the desktop",
    Way.MAIL: "E-mail does not go out",
    Way.WEBHOOK: "The webhook is not reached",
}
LATELY = 5


async def notices_card(site: Site) -> None:
    notices = site.services.notices
    standing, lately = await notices.standing(), await notices.lately(LATELY)
    settings, now = site.services.settings.read(), site.services.clock.now()
    with card("When something needs somebody"):
        text(
            "Whoever can mend it is told once when it begins and once when it is over: a sign-in "
            "that has ended, files and removals that wait, a source that has not come, calendars "
            "that are not kept, a disk that is nearly full, an old backup, a new link for a "
            "phone. No message names a client.",
            "card__lead",
        )
        if site.options.demo:
            text("In the demo nothing is told by itself; a test is sent for real.", "soft small")
        _failing(site, standing)
        form = NoticeForm(site, standing)
        unsaved = Unsaved(*form.fields)
        with box("actions"):
            form.actions(unsaved.saved)
            unsaved.place()
        _Webhook(site)
        text("Told lately", tag="h3")
        if lately:
            activity_list(lately, settings.names(), now, settings.practice.timezone)
        else:
            text("Nothing yet.", "soft")


def _failing(site: Site, standing: NoticesStanding) -> None:
    for way, failing in standing.failing.items():
        with notice("warn"):
            text(f"{_WAYS[way]}, since {site.short(failing.since)}.", "strong")
            text(f"{failing.what} {failing.remedy}")


class _Webhook:
    """Takes effect at once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        text("For whoever watches your computers", tag="h3")
        self._place = box("stack")
        self._result = TestResult()
        self._result.place()
        self._draw()

    def _draw(self) -> None:
        self._place.clear()
        host = self._site.services.settings.read().practice.notices.webhook
        with self._place:
            if host:
                text(f"A webhook at {host} is called, signed, and names nobody.")
            else:
                text("A program of theirs can be called (a webhook); it hears no names.")
            with box("actions"):
                if host:
                    button("Call it with a test", self._test)
                    button("Another address …", self._open)
                    button("Remove", partial(self._remove, host), look="danger")
                else:
                    button("Add a webhook …", self._open)

    async def _test(self) -> None:
        await self._result.of(lambda: self._site.services.notices.test(Way.WEBHOOK))

    def _open(self) -> None:
        with dialog("Call a webhook", "wide") as opened:
            first = box("stack")
            with first:
                text("It is kept sealed. Each call is signed with a secret that you get next.")
                address = ui.input("Address")
                address.classes("field").props(
                    "outlined hide-bottom-space maxlength=4000 autocomplete=off spellcheck=false "
                    'hint="It begins with https://"'
                )
            second = box("stack")
            second.set_visibility(False)

            async def keep() -> None:
                with errors_at({"webhook": address}):
                    if not (typed := str(address.value or "").strip()):
                        raise BadInput("The address is missing.", "Paste it.", field="webhook")
                    key = await self._site.services.notices.set_webhook(typed)
                    first.set_visibility(False)
                    address.value = ""
                    self._draw()
                    second.set_visibility(True)
                    with second:
                        _hand_over(key, opened.close)

            with first, box("actions"):
                button("Keep it", keep, look="primary")
                button("Cancel", opened.leave, look="plain")

    def _remove(self, host: str) -> None:
        async def go() -> None:
            await self._site.services.notices.set_webhook("")
            self._result.clear()
            self._draw()
            notify_done("The webhook was removed.")

        with question(f"Remove the webhook at {host}?", "Remove it", go):
            text("It is not called any more, and its address and secret are forgotten.")


def _hand_over(key: str, close: Callable[[], object]) -> None:
    text("The webhook is kept. It checks the calls with this secret, which is shown only now:")
    text(key, "address").props("dir=ltr")
    with box("actions"):
        button("Done", close, look="primary")
