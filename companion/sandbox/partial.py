"""Google's `fields` parameter: partial responses such as `items(id,start/date),nextPageToken`.

The grammar: names joined by commas, `a/b` for a path, `a(b,c)` for several fields of one object,
`*` for all. A list is filtered element by element.
"""

from functools import lru_cache
from typing import Any

from companion.sandbox import refusals

Mask = dict[str, "Mask"]
_SPECIAL = ",/()"


@lru_cache(maxsize=256)
def read_mask(text: str) -> Mask:
    """The wanted fields as a tree, in which an empty branch means all of it."""
    mask, rest = _selection(text)
    if rest or not mask:
        raise refusals.invalid(f"Invalid field selection {text}", "fields")
    return mask


def select(resource: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return resource
    if isinstance(resource, list):
        return [select(item, mask) for item in resource]
    if not isinstance(resource, dict):
        return resource
    return {key: select(resource[key], branch) for key, branch in mask.items() if key in resource}


def _selection(text: str) -> tuple[Mask, str]:
    mask: Mask = {}
    while True:
        text = _path(text, mask)
        if not text.startswith(","):
            return mask, text
        text = text[1:]


def _path(text: str, mask: Mask) -> str:
    end = next((at for at, character in enumerate(text) if character in _SPECIAL), len(text))
    name, text = text[:end].strip(), text[end:]
    if not name:
        raise refusals.invalid(f"Invalid field selection {text}", "fields")
    branch = mask.setdefault(name, {})
    if text.startswith("/"):
        return _path(text[1:], branch)
    if text.startswith("("):
        inner, rest = _selection(text[1:])
        if not rest.startswith(")"):
            raise refusals.invalid("Invalid field selection", "fields")
        branch |= inner
        return rest[1:]
    return text
