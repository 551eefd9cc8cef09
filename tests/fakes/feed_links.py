"""What a link shows."""

from __future__ import annotations

from companion.domain.disclosure import Disclosure
from companion.domain.settings import Settings
from companion.services.feeds.views import disclosure_for
from companion.services.ports import FeedDetail

# ── what is shown ────────────────────────────────────────────────────────────────────────────


def shown(settings: Settings, detail: FeedDetail) -> Disclosure:
    return disclosure_for(detail, settings.practitioner("avery"), settings)
