"""One device's link: the code to scan, the link to copy, three steps."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

from nicegui import ui

from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done
from companion.web.ui.phones.formatting import DEVICES, Device
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, link_button, notice, text


def qr_svg(words: str) -> str:
    """Black on white in either theme: cameras need it so."""
    import segno

    code = segno.make(words, error="m", micro=False)
    drawn: str = code.svg_inline(scale=4, border=4, light="#fff", dark="#000", omitsize=True)
    return drawn


IN_CLEAR = (
    "This link is not encrypted (http): whoever is in the same Wi-Fi could read what it shows. An "
    "administrator can change that under Phone links, with a certificate or a tunnel."
)

ONLY_HERE = (
    "No phone can open this link: it leads to this computer alone, so only a calendar program here "
    "can use it. An administrator can give links another address under Phone links."
)


def warn_of_listener(site: Site) -> None:
    """Where phones are not answered, or not by the renewed certificate."""
    if problem := site.services.reachability.listener_status.problem:
        with notice("warn"):
            text("Phones cannot fetch everything at the moment.", "strong")
            text(problem)


def open_link_dialog(site: Site, url: str, label: str, practitioner_id: str, kind: str) -> None:
    """Show a link, for the device kind that was chosen; another may be looked at."""
    with dialog(f"The link for “{label}”", asks=False) as opened:
        text(
            "Whoever has this link can read the calendar. Give it to nobody but the person whose "
            "device it is for. Only they can see it again; if it is lost, renew it."
        )
        if _leads_here(url):
            with notice("warn"):
                text(ONLY_HERE)
        elif url.startswith("http:"):
            with notice("warn"):
                text(IN_CLEAR)
        chosen = ui.select(
            {key: device.name for key, device in DEVICES.items()}, label="Device", value=kind
        )
        chosen.classes("field").props("outlined")
        place = box("stack stack--loose")

        def draw() -> None:
            place.clear()
            with place:
                _device(site, url, str(chosen.value), practitioner_id)

        chosen.on_value_change(draw)
        draw()
        with box("actions"):
            button("Done", opened.close, look="primary")


def _leads_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _device(site: Site, url: str, kind: str, practitioner_id: str) -> None:
    device = DEVICES[kind]
    link = device.link(url)
    if device.caution:
        with notice("warn"):
            text(device.caution)
            link_button("Use the direct sync", f"/practitioner/{practitioner_id}", icon="sync")
            if not site.services.reachability.from_outside():
                text("Besides, Google cannot reach a link that works in the clinic only.")
    with box("device"):
        code = ui.html(qr_svg(link), sanitize=False).classes("device__code")
        code.props('role=img aria-label="QR code of the link"')
        with box(tag="ol").classes("device__steps"):
            for step in device.steps:
                text(step, tag="li")
    text(link, "address").props("tabindex=0 dir=ltr")

    def copy() -> None:
        ui.clipboard.write(link)
        notify_done("Copied.")

    with box("actions"):
        button("Copy the link", copy, icon="content_copy")
        send = partial(_open_send, site, device, link, practitioner_id)
        button("Send by e-mail …", send, icon="mail")
    text(site.services.reachability.sentence(), "soft small")


def _open_send(site: Site, device: Device, link: str, practitioner_id: str) -> None:
    """Into a message of the person's own e-mail program; nothing is sent from here."""
    person = site.services.settings.read().practitioner(practitioner_id).practitioner
    with dialog("Send the link by e-mail?", asks=False) as opened:
        with notice("warn"):
            text("An e-mail is like a postcard.", "strong")
            text(
                "Whoever reads it, on its way or later, can read the calendar with the link in it. "
                "Better is to scan the code here. If you send it: to the person alone, and delete "
                "the message on both sides once the device is set up."
            )
        to = ui.input("To", value=person.email).classes("field").props("outlined type=email")
        with box("actions"):
            send = link_button("Write the e-mail", "", icon="mail", look="primary")
            button("Cancel", opened.close, look="plain")

        def address() -> None:
            send.props["href"] = _message(device, link, str(to.value or ""))

        to.on_value_change(address)
        address()


def _message(device: Device, link: str, to: str) -> str:
    """A mailto address. The link is in the body, which is what the person was warned of, and not in
    the subject."""
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(device.steps, 1))
    body = (
        f"Your appointments in the calendar of your device:\n\n{link}\n\n{steps}\n\n"
        "Whoever has this link can read the calendar: delete this message once it is set up.\n"
    )
    words = urlencode({"subject": "Your phone link", "body": body}, quote_via=quote)
    return f"mailto:{quote(to.strip(), safe='@')}?{words}"
