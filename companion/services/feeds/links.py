"""A feed link's facts: its token, where things of it are kept, whether it still works.

A token has 256 random bits. The tables hold its SHA-256, the secret store the token itself, and
what was last served is kept under a name that only the hash gives.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import zlib
from datetime import date, datetime, time, timedelta
from secrets import token_urlsafe
from zoneinfo import ZoneInfo

from companion.domain.appointments import instant
from companion.domain.errors import BadInput
from companion.domain.settings import PracticeSettings, PractitionerSettings
from companion.services.feeds.answers import FeedBody
from companion.services.ports import FeedDetail, FeedLink, NetworkPlace

PLACEHOLDER_KEPT = timedelta(days=90)
"""How long a link that was switched off answers that it is, before it becomes unknown."""


def new_token() -> str:
    """43 characters of a-z A-Z 0-9 - _."""
    return token_urlsafe(32)


def product_of(user_agent: str) -> str:
    """The program's name and version out of a User-Agent, at most 40 characters.

    Browsers and Thunderbird name themselves last, behind "Mozilla/5.0"."""
    products = re.findall(r"[A-Za-z][\w.+-]*(?:/[\w.+-]+)?", re.sub(r"\([^)]*\)", "", user_agent))
    if len(products) > 1 and products[0].startswith("Mozilla/"):
        return str(products[-1])[:40]
    return str(products[0])[:40] if products else ""


def network_word(address: str) -> NetworkPlace:
    """Where a device was: ``inside``, ``outside`` or ``here``; empty where it is unknown."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    if parsed.is_loopback:
        return "here"
    return "outside" if parsed.is_global else "inside"


def base_address(practice: PracticeSettings, host: str, port: int) -> str:
    """What every link begins with: the proxy's address, else the practice's own host name, else
    `host`; https where the listener has a certificate."""
    if practice.feed_base_url:
        return practice.feed_base_url.rstrip("/")
    host = practice.feed_host or host
    scheme = "https" if practice.feed_certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def secret_name(feed_id: str) -> str:
    return f"feed/{feed_id}"


def file_name(token_hash: bytes) -> str:
    """Known to the server without the token, which it does not reveal."""
    return hashlib.sha256(b"last good " + token_hash).hexdigest()[:32]


def off_at(link: FeedLink, now: datetime) -> datetime | None:
    """Since when the link is switched off or expired; None while it works."""
    if link.revoked_at is not None:
        return link.revoked_at
    if link.expires_at is not None and link.expires_at <= now:
        return link.expires_at
    return None


def long_off(link: FeedLink, now: datetime) -> bool:
    since = off_at(link, now)
    return since is not None and now - since >= PLACEHOLDER_KEPT


def end_of(day: date | None, record: PractitionerSettings, now: datetime) -> datetime | None:
    if day is None:
        return None
    midnight = datetime.combine(day + timedelta(days=1), time.min)
    end = instant(midnight, record.practitioner.timezone)
    if end <= now:
        raise BadInput("That day is over already.", "Choose a later day.", field="expires")
    return end


def last_day(link: FeedLink, timezone: str) -> date | None:
    """The last day on which it works; None where it has no end."""
    if link.expires_at is None:
        return None
    return (link.expires_at - timedelta(seconds=1)).astimezone(ZoneInfo(timezone)).date()


def to_keep(link: FeedLink, body: FeedBody) -> bytes:
    facts = {
        "id": link.id,
        "practitioner": link.practitioner_id,
        "expires": link.expires_at.isoformat() if link.expires_at else None,
    }
    return json.dumps(facts).encode() + b"\n" + body.gzipped


def from_kept(content: bytes, token_hash: bytes) -> tuple[FeedLink, FeedBody] | None:
    """As much of the link as serving it takes; None for content that we did not write."""
    try:
        line, gzipped = content.split(b"\n", 1)
        facts = json.loads(line)
        expires = facts["expires"]
        link = FeedLink(
            id=facts["id"],
            practitioner_id=facts["practitioner"],
            label="",
            detail=FeedDetail.BUSY,
            token_hash=token_hash,
            created_at=datetime.min,  # noqa: DTZ901 - never shown
            days_in_arrears=0,
            days_in_advance=0,
            expires_at=datetime.fromisoformat(expires) if expires else None,
        )
        return link, FeedBody.from_gzip(gzipped)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error):
        return None
