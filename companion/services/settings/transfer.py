"""Settings as a file of record: written for a person to keep, read back with every field checked.

The file is JSON: the tables of `documents`, without anything secret and without what
belongs to this computer's sign-ins (the account, what it was allowed, since when). Reading it:

- it is decoded field by field; whatever is wrong is refused with the path of that field;
- the practice and the sources become as in the file; practitioners are taken by id: added or
  changed; who is not in the file stays as they are;
- a sign-in stays with its practitioner; a new practitioner gets the login and the calendar to
  connect to, and has to connect;
- the installation's own id stays: it is part of every event in Google;
- a webhook stays, for its address is among the secrets of here.

What a calendar or feed may show can change by it, so the disclosure revision rises as it does for
a change by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from companion.domain.errors import BadInput, FileRefused
from companion.domain.palette import colours_fixed
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.ports import ActivityKind, ActivityLog, Clock, SettingsStore
from companion.services.settings.differences import SettingDifference, differences
from companion.services.settings.documents import from_tables, to_tables
from companion.services.settings.formatting import PRACTITIONER
from companion.services.settings.notice_words import NOTICES
from companion.services.settings.practice_words import PRACTICE

FORMAT = "calendar-companion settings"
LARGEST = 5_000_000
"""Bytes of a file."""
_OF_THIS_COMPUTER = frozenset(
    {
        "account",
        "scopes",
        "connected_at",
        "ends_at",
        "delegated",
        "calendar_account",
        "creations",
        "made_by",
        "marks",
        "term",
    }
)
"""Fields of a GoogleLink."""
_TABLES = ("practice", "practitioners", "sources")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReport:
    """What an import of settings does or did; names, not ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    kept: tuple[str, ...]
    """Practitioners that the file does not name."""
    practice_changed: bool
    sources_changed: bool
    differences: tuple[SettingDifference, ...] = ()
    """Value by value, of the practice and of those who are changed."""

    @property
    def changes(self) -> int:
        named = len(self.added) + len(self.changed)
        return named + int(self.practice_changed) + int(self.sources_changed)


class SettingTransfer:
    def __init__(self, *, settings: SettingsStore, clock: Clock, activity: ActivityLog) -> None:
        self._settings = settings
        self._clock = clock
        self._activity = activity

    @allows(Action.PRACTICE)
    def export(self) -> bytes:
        tables = to_tables(self._settings.read())
        document: dict[str, Any] = {"format": FORMAT, "version": tables["home"][0]["version"]}
        document |= {each: tables[each] for each in _TABLES}
        for person in document["practitioners"]:
            for each in _OF_THIS_COMPUTER:
                person["google"].pop(each, None)
        document["practice"] = tables["practice"][0]
        document["practice"]["notices"].pop("webhook")
        return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"

    @allows(Action.PRACTICE)
    def preview(self, content: bytes) -> TransferReport:
        """Raises BadInput whose field is the path of what is wrong, StoreTooNew."""
        before = self._settings.read()
        return _report(before, self._merged(before, content), content)

    @allows(Action.PRACTICE)
    async def take(self, content: bytes) -> TransferReport:
        """All or nothing; raises as `preview`."""
        seen: list[Settings] = []

        def edit(settings: Settings) -> Settings:
            seen[:] = [settings]
            return self._merged(settings, content)

        after = await self._settings.change(edit)
        report = _report(seen[0], after, content)
        if report.changes:
            text = f"Settings were taken over from a file: {in_words(report)}."
            kind = ActivityKind.SETTINGS
            await note(self._activity, self._clock, kind, text, cause="settings")
        return report

    def _merged(self, here: Settings, content: bytes) -> Settings:
        file = _read(content, here.install_id)
        now = self._clock.now()
        webhook = here.practice.notices.webhook
        notices = replace(file.practice.notices, webhook=webhook)
        practice = replace(file.practice, notices=notices)
        merged = replace(here, practice=practice, sources=file.sources)
        if file.practitioners.keys() - here.practitioners.keys():
            merged = colours_fixed(merged)
        capped_anew = file.practice.cap != here.practice.cap
        for key, wanted in file.practitioners.items():
            known = here.practitioners.get(key)
            merged = merged.with_practitioner(_joined(known, wanted))
        for key, record in merged.practitioners.items():
            before = here.practitioners.get(key)
            if before is not None and (capped_anew or _shown(before) != _shown(record)):
                merged = merged.with_practitioner(
                    replace(
                        record,
                        disclosure_revision=before.disclosure_revision + 1,
                        disclosure_changed_at=max(before.disclosure_changed_at, now),
                    )
                )
        _no_namesakes(merged)
        return merged


def in_words(report: TransferReport) -> str:
    """``2 practitioners added, 1 changed, the practice changed``."""
    parts = [
        f"{len(names)} practitioner{'' if len(names) == 1 else 's'} {did}"
        for names, did in ((report.added, "added"), (report.changed, "changed"))
        if names
    ]
    parts += ["the practice changed"] if report.practice_changed else []
    parts += ["the import sources changed"] if report.sources_changed else []
    return ", ".join(parts)


def _read(content: bytes, install_id: str) -> Settings:
    if len(content) > LARGEST:
        raise FileRefused("This file is far too large for settings.", "Choose the right file.")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _not_ours() from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _not_ours()
    if unknown := sorted(document.keys() - {"format", "version", *_TABLES}):
        raise BadInput(
            f'In the settings, "{unknown[0][:60]}" is not a part we know.',
            "Remove it from the file, or export the settings again.",
            field=unknown[0],
        )
    tables: dict[str, Any] = {
        "home": [{"version": document.get("version"), "install_id": install_id}],
        "practice": [document.get("practice", {})],
        "practitioners": document.get("practitioners", []),
        "sources": document.get("sources", []),
    }
    for name, rows in tables.items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadInput(
                f'In the settings, "{name}" is not a list of groups of settings.',
                "Export the settings again and change only values.",
                field=name,
            )
    try:
        return from_tables(tables)
    except BadInput as error:
        raise BadInput(
            error.what,
            "Correct that value in the file and import it again. Nothing was changed.",
            field=error.field,
        ) from error


def _joined(
    known: PractitionerSettings | None, wanted: PractitionerSettings
) -> PractitionerSettings:
    """As in the file, with the sign-in and the counters of here."""
    own = GoogleLink() if known is None else known.google
    kept: Mapping[str, Any] = {each: getattr(own, each) for each in _OF_THIS_COMPUTER}
    link = replace(wanted.google, **kept)
    if known is None:
        return replace(wanted, google=link)
    if own.account:  # another calendar is chosen by connecting to it, not by a file
        link = own
    return replace(
        wanted,
        google=link,
        disclosure_revision=max(known.disclosure_revision, wanted.disclosure_revision),
        disclosure_changed_at=max(known.disclosure_changed_at, wanted.disclosure_changed_at),
    )


def _shown(record: PractitionerSettings) -> tuple[object, ...]:
    person = record.practitioner
    return (record.choices.disclosure, person.timezone, person.name)


def _no_namesakes(settings: Settings) -> None:
    for key, record in settings.practitioners.items():
        for other, each in settings.practitioners.items():
            if other != key and each.practitioner.matches_name(record.practitioner.name):
                raise BadInput(
                    f'Two practitioners would answer to "{record.practitioner.name}".',
                    "Rename one in the file, or merge the two first. Nothing was changed.",
                    field=f"practitioners.{key}.practitioner.name",
                )


def _report(before: Settings, after: Settings, content: bytes) -> TransferReport:
    named = {
        str(each["practitioner"]["id"])
        for each in json.loads(content.decode("utf-8-sig")).get("practitioners", [])
    }
    changed = {
        key
        for key in named & before.practitioners.keys()
        if _plain(before.practitioners[key]) != _plain(after.practitioners[key])
    }
    added = named - before.practitioners.keys()

    def names(keys: set[str]) -> tuple[str, ...]:
        return tuple(
            each.practitioner.name for key, each in after.practitioners.items() if key in keys
        )

    return TransferReport(
        added=names(added),
        changed=names(changed),
        unchanged=len(named) - len(added) - len(changed),
        kept=names(set(before.practitioners) - named),
        practice_changed=before.practice != after.practice,
        sources_changed=dict(before.sources) != dict(after.sources),
        differences=(
            *differences(before.practice, after.practice, {**PRACTICE, **NOTICES}),
            *(
                each
                for key in before.practitioners
                if key in changed
                for each in differences(
                    before.practitioners[key],
                    after.practitioners[key],
                    PRACTITIONER,
                    whose=before.practitioners[key].practitioner.name,
                )
            ),
        ),
    )


def _plain(record: PractitionerSettings) -> dict[str, Any]:
    """Without the counters that only we raise."""
    counters = {"disclosure_revision", "disclosure_changed_at"}
    return {e.name: getattr(record, e.name) for e in fields(record) if e.name not in counters}


def _not_ours() -> FileRefused:
    return FileRefused(
        "This is not a file of Calendar Companion's settings.",
        "Choose a file that was made with: python run.py settings-file export FILE",
        field="file",
    )
