"""Forms of plain HTML, for pages before the sign-in: a real POST. They need no script; the one they
load lets a double click send once.

Errors stand at their field, tied to it for screen readers; the page's own sentence is an alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl

from fastapi import Request

from companion.domain.errors import BadInput
from companion.web.plain_page import plain_page_of

MOST_BYTES = 16 * 1024
_BESIDE = ' target="_blank" rel="noopener"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    label: str
    value: str = ""
    kind: str = "text"
    """An input's type, or ``select``; a ``checkbox`` is ticked when it has a value."""
    hint: str = ""
    complete: str = "off"
    """What the browser may fill in by itself."""
    options: Sequence[str] = ()
    focus: bool = False
    most: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    to: str
    words: str
    lead: str = ""
    """Smaller words below it."""
    new_window: bool = False


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of the form. Raises BadInput for anything that is no small form."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise BadInput("That is too long for this form.")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise BadInput("The form arrived damaged.", "Go back and send it again.") from error


def form_page(  # noqa: PLR0913 - the parts of one page
    title: str,
    *lead: str,
    action: str = "",
    fields: Sequence[Field] = (),
    submit: str = "",
    hidden: dict[str, str] | None = None,
    error: BadInput | None = None,
    step: str = "",
    links: Sequence[Link] = (),
    note: str = "",
    practice: str = "",
) -> str:
    """The page; without `submit` it has no form. `error` names its field."""
    named = {field.name for field in fields}
    parts = [f'<p class="step">{escape(step)}</p>'] if step else []
    parts.append(f"<h1>{escape(title)}</h1>")
    parts += [f"<p>{escape(text)}</p>" for text in lead]
    if error is not None and error.field not in named:
        parts.append(f'<p class="bad" role="alert">{escape(str(error))}</p>')
    if submit:
        inner = "".join(_field(each, error) for each in fields)
        kept = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in (hidden or {}).items()
        )
        parts.append(
            f'<form method="post" action="{escape(action)}">{kept}{inner}'
            f'<button type="submit">{escape(submit)}</button></form>'
            '<script src="/static/page.js"></script>'
        )
    if links:
        items = "".join(
            f"<li{' class=choice' if each.lead else ''}>"
            f'<a href="{escape(each.to)}"{_BESIDE if each.new_window else ""}>'
            f"{escape(each.words)}</a>"
            + (f"<span>{escape(each.lead)}</span>" if each.lead else "")
            + "</li>"
            for each in links
        )
        parts.append(f'<ul class="ways">{items}</ul>')
    if note:
        parts.append(f"<small>{escape(note)}</small>")
    shown = f"Error: {title}" if error is not None else title
    return plain_page_of(shown, "".join(parts), practice=practice)


def _field(field: Field, error: BadInput | None) -> str:
    wrong = error is not None and error.field == field.name
    about = [f"{field.name}-hint"] if field.hint else []
    about += [f"{field.name}-error"] if wrong else []
    common = f'id="{field.name}" name="{field.name}"'
    if about:
        common += f' aria-describedby="{" ".join(about)}"'
    if wrong:
        common += ' aria-invalid="true"'
    if wrong or (field.focus and error is None):
        common += " autofocus"
    if field.kind == "select":
        options = "".join(
            f"<option{' selected' if each == field.value else ''}>{escape(each)}</option>"
            for each in field.options
        )
        control = f"<select {common}>{options}</select>"
    elif field.kind == "checkbox":
        ticked = " checked" if field.value else ""
        control = f'<input type="checkbox" {common} value="yes"{ticked}>'
    else:
        value = "" if field.kind == "password" else escape(field.value)
        control = (
            f'<input type="{field.kind}" {common} value="{value}" maxlength="{field.most}" '
            f'autocomplete="{field.complete}" spellcheck="false">'
        )
    hint = f'<span id="{field.name}-hint">{escape(field.hint)}</span>' if field.hint else ""
    problem = (
        f'<span class="bad" role="alert" id="{field.name}-error">{escape(str(error))}</span>'
        if wrong
        else ""
    )
    label = f'<label for="{field.name}">{escape(field.label)}</label>'
    if field.kind == "checkbox":
        return f'<div class="tick">{control}{label}{hint}{problem}</div>'
    if field.kind == "password":
        shows = (
            f'<button type="button" data-shows="{field.name}" aria-pressed="false" hidden '
            f'aria-controls="{field.name}" aria-label="Show what is typed" data-repeats>'
            "Show</button>"
        )
        return f'<div class="secret">{label}{control}{shows}{hint}{problem}</div>'
    return f"<div>{label}{control}{hint}{problem}</div>"
