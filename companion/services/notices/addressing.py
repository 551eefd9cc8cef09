"""Addressing: the channels there are, who hears what on each, and what a webhook's address is."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from companion.domain.errors import BadInput
from companion.domain.settings import Settings
from companion.domain.users import Role
from companion.services.notices.telling import Channel, Way
from companion.services.sources.addresses import is_this_computer


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Everybody hears of what they can mend; where nobody of a role can be reached by e-mail, the
    administrators do."""
    choices = settings.practice.notices
    found = [Channel(way=Way.DESKTOP)] if choices.desktop else []
    if choices.mail:
        found += _mail_channels(settings)
    if choices.webhook:
        found.append(Channel(way=Way.WEBHOOK))
    return tuple(found)


def _mail_channels(settings: Settings) -> Iterator[Channel]:
    choices = settings.practice.notices
    roles: dict[str, set[Role]] = {}
    own: dict[str, set[str]] = {}
    spelt: dict[str, str] = {}

    def add(address: str, role: Role | None = None, practitioner_id: str = "") -> None:
        key = address.casefold()
        spelt.setdefault(key, address)
        roles.setdefault(key, set()).update({role} if role else ())
        own.setdefault(key, set()).update({practitioner_id} if practitioner_id else ())

    for address in choices.administrators:
        add(address, Role.ADMINISTRATOR)
    for address in choices.reception or choices.administrators:
        add(address, Role.RECEPTION)
    for practitioner_id, record in settings.practitioners.items():
        theirs = record.practitioner.email or record.google.account
        if choices.practitioners and theirs.isascii() and theirs:
            add(theirs, practitioner_id=practitioner_id)
        else:
            for address in choices.administrators:
                add(address, practitioner_id=practitioner_id)
    for key, address in spelt.items():
        yield Channel(
            way=Way.MAIL,
            address=address,
            roles=frozenset(roles[key]),
            practitioners=frozenset(own[key]),
        )


def hearers(channel: Channel, settings: Settings) -> str:
    """Who reads it, for the activity list: no addresses."""
    if channel.way is not Way.MAIL:
        return ""
    words = []
    if Role.ADMINISTRATOR in channel.roles:
        words.append("administrators")
    elif Role.RECEPTION in channel.roles:
        words.append("reception")
    names = settings.names()
    if not words:
        words = [names[each] for each in sorted(channel.practitioners) if each in names]
    return ", ".join(words)


def checked_webhook(typed: str) -> tuple[str, str]:
    """The address as it is called, and its host. Raises BadInput, which does not repeat it."""
    address = typed.strip().strip('"<>')
    try:
        parts = urlsplit(address)
        host, _port = (parts.hostname or "").casefold(), parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    usable = parts.scheme in {"http", "https"} and not parts.username and len(address) <= 4_000
    if not host or not usable or not (address.isascii() and address.isprintable()):
        raise BadInput(
            "This is not the address of a webhook.",
            "Copy it whole: it begins with https:// and holds no user and password.",
            field="webhook",
        )
    if parts.scheme == "http" and not is_this_computer(host):
        raise BadInput(
            "This address is not secure: with http:// others could read it on the way.",
            "Use one that begins with https://; http:// is for this computer alone.",
            field="webhook",
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, "")), host
