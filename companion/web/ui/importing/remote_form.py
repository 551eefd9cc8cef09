"""What a person types to fetch from a place: the fields of its kind, how often.

A secret is shown as dots while it is typed, and never again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from companion.domain.errors import BadInput
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.reports import every_words
from companion.web.ui.components.fields import errors_at
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button

if TYPE_CHECKING:
    from companion.domain.settings import RemoteSettings, SourceSettings
    from companion.services.sources.remote import SourceField, SourceKind

_MINUTES = (1, 5, 15, 30, 60, 240, 1_440)
_LONGEST = 4_000
_LONGEST_LINES = 50_000
"""Characters of a field with one line, and with several."""


class RemoteFields:
    def __init__(self, kind: SourceKind, before: RemoteSettings | None = None) -> None:
        """`before`: what is kept, to be changed."""
        self._kind = kind
        self._inputs: dict[str, ui.input | ui.textarea | ui.select] = {}
        if kind.secret.required:
            self._secret = self._secret_input(changes=before is not None)
        for each in kind.fields:
            value = before.fields.get(each.name, each.default) if before else each.default
            self._inputs[each.name] = _input(each, value)
        if not kind.secret.required:
            self._secret = self._secret_input(changes=before is not None)

    @property
    def wanted(self) -> TypedPlace:
        return TypedPlace(
            kind=self._kind.name,
            secret=str(self._secret.value or ""),
            fields={name: str(field.value or "") for name, field in self._inputs.items()},
        )

    def missing(self) -> list[BadInput]:
        """Of a new source: every field that must be filled and is not, from the top."""
        kind = self._kind
        empty = [
            BadInput(f"{each.label} is missing.", each.hint or "Type it.", field=each.name)
            for each in kind.fields
            if each.required and not (self.wanted.fields[each.name].strip() or each.default)
        ]
        if kind.secret.required and not self.wanted.secret.strip():
            label, hint = kind.secret.label, kind.secret.hint
            empty.insert(0, BadInput(f"{label} is missing.", hint or "Type it.", field="secret"))
        return empty

    @property
    def places(self) -> Mapping[str, ValidationElement[Any]]:
        """By the field that an error names."""
        return {"secret": self._secret, **self._inputs}

    def _secret_input(self, *, changes: bool) -> ui.input | ui.textarea:
        field = self._kind.secret
        label = field.label if field.required or changes else f"{field.label} (if it needs one)"
        made: ui.input | ui.textarea
        if field.lines > 1:
            made = ui.textarea(label).classes("field unseen").props(f"rows={field.lines}")
            made.props(f"outlined maxlength={_LONGEST_LINES}")
        else:
            made = ui.input(label, password=True, password_toggle_button=True).classes("field")
            made.props(f"outlined maxlength={_LONGEST}")
        made.props("dir=ltr autocomplete=off spellcheck=false")
        made.props["hint"] = "Left empty, it stays as it is" if changes else field.hint
        return made


def _input(field: SourceField, value: str) -> ui.input | ui.textarea | ui.select:
    label = field.label if field.required else f"{field.label} (optional)"
    made: ui.input | ui.textarea | ui.select
    if field.choices:
        chosen = value if value in field.choices else next(iter(field.choices))
        made = ui.select(dict(field.choices), label=label, value=chosen)
        made.props("outlined")
    elif field.lines > 1:
        made = ui.textarea(label, value=value)
        made.props(f"outlined rows={field.lines} maxlength={_LONGEST_LINES} spellcheck=false")
    else:
        made = ui.input(label, value=value)
        made.props(f"outlined maxlength={_LONGEST} autocomplete=off")
    made.classes("field").props["hint"] = field.hint
    return made


class ChangeRemote:
    """Another rhythm, another place or secret, for a source that is fetched."""

    def __init__(
        self, site: Site, source: SourceSettings, on_saved: Callable[[], Awaitable[None]]
    ) -> None:
        assert source.remote is not None  # noqa: S101 - as called
        self._site = site
        self._source = source
        self._on_saved = on_saved
        kind = kind_of(site, source.remote)
        self._every = every_select(kind, source.remote.every)
        self._fields = RemoteFields(kind, source.remote)
        with box("actions"):
            button("Save", self._save, look="primary")

    async def _save(self) -> None:
        with errors_at({**self._fields.places, "every": self._every}):
            await self._site.services.fetched_sources.add(
                self._source.name, self._fields.wanted, every=chosen(self._every)
            )
            notify_done("Saved. It is fetched anew in a moment.")
            await self._on_saved()


def kind_of(site: Site, remote: RemoteSettings) -> SourceKind:
    """Raises BadInput for one of another version of the program."""
    kinds = {each.name: each for each in site.services.fetched_sources.kinds()}
    if remote.kind not in kinds:
        raise BadInput(
            "This version does not know how that source is fetched.", "Install a newer one."
        )
    return kinds[remote.kind]


def every_select(kind: SourceKind, every: timedelta) -> ui.select:
    offered = [each for each in _MINUTES if timedelta(minutes=each) >= kind.soonest]
    options = {each: every_words(timedelta(minutes=each)) for each in offered}
    minutes = round(every / timedelta(minutes=1))
    options.setdefault(minutes, every_words(every))
    made = ui.select(options, label="Fetched", value=minutes)
    return made.classes("field").props("outlined")


def chosen(every: ui.select) -> timedelta:
    return timedelta(minutes=int(every.value))
