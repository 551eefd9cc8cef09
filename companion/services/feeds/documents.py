"""What a link of its own kind shows, as a small JSON document and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.domain.appointments import Practitioner
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem, KindChoice
from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings, SyncChoices
from companion.services.settings import formatting

KEYS = ("kinds", "include", "client_name", "masked_types", "left_out_types", "busy_only")
"""Of `companion.services.settings.formatting.PRACTITIONER`."""


def disclosure_document(shown: Disclosure) -> dict[str, Any]:
    return {
        "kinds": sorted(shown.kinds),
        "items": sorted(shown.items),
        "client_name": shown.client_name.value,
        "masked_types": sorted(shown.masked_types),
        "left_out_types": sorted(shown.left_out_types),
        "busy_only": shown.busy_only,
    }


def disclosure_of(document: Mapping[str, Any]) -> Disclosure:
    """An item that a later version knows and this one does not is left out: less is shown."""
    return Disclosure(
        kinds=frozenset(each for each in KindChoice if each in document["kinds"]),
        items=frozenset(each for each in DisclosureItem if each in document["items"]),
        client_name=ClientName(document["client_name"]),
        masked_types=frozenset(document["masked_types"]),
        left_out_types=frozenset(document.get("left_out_types", ())),
        busy_only=bool(document["busy_only"]),
    )


def disclosure_from_words(values: Mapping[str, str]) -> Disclosure:
    """As ``settings PRACTITIONER KEY=VALUE`` takes them; what is not named is as usual. Raises
    BadInput with the key as its field."""
    for key in values:
        if key not in KEYS:
            raise BadInput(f'"{key[:40]}" is not a detail of a link.', f"Use {', '.join(KEYS)}.")
    chosen = {key: formatting.PRACTITIONER[key] for key in KEYS}
    return formatting.change(_nobody(Disclosure()), values, chosen).choices.disclosure


def disclosure_words(shown: Disclosure) -> dict[str, str]:
    """As `disclosure_from_words` takes them."""
    blank = _nobody(shown)
    return {key: formatting.PRACTITIONER[key].show(blank) for key in KEYS}


def _nobody(shown: Disclosure) -> PractitionerSettings:
    return PractitionerSettings(
        practitioner=Practitioner(id="nobody", name="Nobody", timezone="Etc/UTC"),
        choices=SyncChoices(disclosure=shown),
    )
