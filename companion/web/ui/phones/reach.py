"""Reachability: which address links lead to, how it is locked, and whether it answers."""

from __future__ import annotations

from nicegui import ui

from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import NumberField
from companion.web.ui.error_reports import notify_done
from companion.web.ui.phones.device import warn_of_listener
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, text

AUTOMATIC = ""


class PhoneReach:
    """For the person who looks after the practice's computers."""

    def __init__(self, site: Site) -> None:
        self._site = site
        reach = site.services.reachability
        practice = site.services.settings.read().practice
        with card("How phones reach this computer"):
            warn_of_listener(site)
            self._sentence = text("", "card__lead")
            text("Links begin with", "soft small")
            self._address = text("", "address").props("dir=ltr")
            text(
                f"Port {reach.port}; another one is chosen when the app is started, with "
                "--feed-port.",
                "soft small",
            )
            with box("actions"):
                button("Check reachability", self._check, icon="network_check")
            self._found = box("stack").props("aria-live=polite")
            with ui.expansion("Address, certificate and proxy").classes("more"):
                self._host = self._addresses(practice.feed_host)
                self._base = self._text(
                    "Web address of a proxy or tunnel",
                    practice.feed_base_url,
                    "Such as https://cal.example.org; empty where there is none",
                )
                self._proxy = self._text(
                    "Address of that proxy or tunnel",
                    practice.feed_proxy,
                    "Such as 127.0.0.1, on this computer. Only its word about where a phone asks "
                    "from is believed; empty: nobody's",
                )
                self._certificate = self._text(
                    "Certificate's file with its chain (PEM)",
                    practice.feed_certificate,
                    "For https without a proxy; a renewed file is taken by itself",
                )
                self._key = self._text(
                    "File of its private key (PEM)",
                    practice.feed_key,
                    "Empty when the certificate's file holds it too",
                )
                days = round(practice.feed_unused_after.total_seconds() / 86400)
                self._unused = NumberField(
                    "Point out links unused for so many days",
                    days,
                    least=1,
                    most=3650,
                    field="feed_unused_days",
                )
                with box("actions"):
                    button("Save", self._save, look="primary")
        self._draw()

    def _addresses(self, chosen: str) -> ui.select:
        """The right one first; own names are typed."""
        reach = self._site.services.reachability
        found = reach.addresses()
        best = reach.host()
        options = {AUTOMATIC: f"Automatic: {best}"}
        options |= {each.address: f"{each.address} ({each.name})" for each in found}
        if chosen and chosen not in options:
            options[chosen] = chosen
        select = ui.select(
            options,
            label="Address in links, or a host name of your own",
            value=chosen,
            with_input=True,
            new_value_mode="add-unique",
        )
        return select.classes("field").props("outlined options-dense")

    @staticmethod
    def _text(label: str, value: str, hint: str) -> ui.input:
        field = ui.input(label, value=value).classes("field")
        field.props("outlined dir=ltr")
        field.props["hint"] = hint
        return field

    def _draw(self) -> None:
        reach = self._site.services.reachability
        self._sentence.set_text(reach.sentence())
        self._address.set_text(reach.address())

    async def _save(self) -> None:
        fields = {
            "feed_host": self._host,
            "feed_base_url": self._base,
            "feed_proxy": self._proxy,
            "feed_certificate": self._certificate,
            "feed_key": self._key,
            "feed_unused_days": self._unused,
        }
        values = {key: _words(field.value) for key, field in fields.items()}
        with errors_at(fields):
            values["feed_unused_days"] = str(self._unused.whole())
            await self._site.services.practitioners.set_practice(values)
            self._draw()
            notify_done("Saved. Links made from now on have this address.")

    async def _check(self) -> None:
        self._found.clear()
        with self._found:
            text("Checking …", "soft")
        try:
            findings = await self._site.services.reachability.check()
        finally:
            self._found.clear()
        with self._found:
            for finding in findings:
                with notice("ok" if finding.ok else "warn"):
                    text(finding.what, "strong")
                    if finding.remedy:
                        text(finding.remedy)


def _words(value: object) -> str:
    return str("" if value is None else value).strip()
