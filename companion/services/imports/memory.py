"""SourceMemory: what an import keeps in the settings besides the book.

With the source: its mapping, the answers to its questions, the headings that its fields had, its
status words, but none that a slipped row made of a client's name. New practitioners, and names
that were said to be somebody's, as their aliases. What was new is given back as an `ImportMemory`,
so that undoing the import can take it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.settings import Settings, SourceSettings
from companion.services.imports.people import FilePractitioners
from companion.services.imports.plan import ADD
from companion.services.imports.previews import ImportPreview, headings_of
from companion.services.imports.questions import Answers, Question, folded_key
from companion.services.imports.reading.asking import EVERYBODY
from companion.services.ports import ImportMemory, SettingsStore
from companion.services.settings.practitioners import Practitioners


class SourceMemory:
    def __init__(self, *, settings: SettingsStore, practitioners: Practitioners) -> None:
        self._settings = settings
        self._practitioners = practitioners

    async def create(self, people: FilePractitioners) -> tuple[Practitioner, ...]:
        """Those whom accepted rows name anew; assigned names become aliases."""
        created = [
            await self._practitioners.add(each.person.name, id=each.person.id)
            for each in people.new
        ]
        for key, names in people.aliases.items():
            before = self._settings.read().practitioner(key).practitioner
            await self._practitioners.edit(key, aliases=(*before.aliases, *names))
        return tuple(created)

    async def remember(
        self,
        preview: ImportPreview,
        people: FilePractitioners,
        answers: Mapping[str, str],
        created: Sequence[Practitioner],
    ) -> ImportMemory:
        """`answers`: those to keep with the source."""
        layout = preview.columns
        before = self._settings.read().sources.get(preview.source)
        clients = {
            word
            for draft in preview.content.drafts
            for word in fold_name(draft.appointment.client_name).split()
        }

        def is_client(words: str) -> bool:
            return bool(words) and clients.issuperset(fold_name(words).replace(",", " ").split())

        answers = {key: each for key, each in answers.items() if not is_client(key.split(":")[-1])}
        statuses = preview.reading.statuses
        words = {each.word: each.means for each in statuses if not is_client(each.word)}
        columns = dict(headings_of(layout)) or dict(before.columns if before else {})

        def edit(settings: Settings) -> Settings:
            kept = settings.sources.get(preview.source) or SourceSettings(name=preview.source)
            return settings.with_source(
                replace(
                    kept,
                    mapping=layout.mapping or kept.mapping,
                    snapshot=kept.snapshot if layout.snapshot is None else layout.snapshot,
                    answers={**kept.answers, **answers},
                    columns=columns,
                    statuses={**kept.statuses, **words},
                )
            )

        if before != edit(self._settings.read()).sources[preview.source]:
            await self._settings.change(edit)
        known = before.answers if before else {}
        return ImportMemory(
            created=tuple(each.id for each in created),
            aliases=dict(people.aliases),
            answers=tuple(key for key, value in answers.items() if known.get(key) != value),
            columns=dict(before.columns) if before else {},
        )

    async def keep_answers(self, preview: ImportPreview, answers: Mapping[str, str]) -> None:
        """Of a file that waits for somebody else, with how its columns are read; not who is meant
        by a name, which is for them to say."""
        kept = {key: value for key, value in answers.items() if key != EVERYBODY}
        mapping = preview.columns.mapping

        def edit(settings: Settings) -> Settings:
            known = settings.sources.get(preview.source) or SourceSettings(name=preview.source)
            return settings.with_source(
                replace(known, answers={**known.answers, **kept}, mapping=mapping or known.mapping)
            )

        if kept or mapping:
            await self._settings.change(edit)


_NEED_NO_QUESTION = {"groups", "header_row", "sheets", "titles"}


def answers_to_keep(questions: tuple[Question, ...], answers: Answers) -> dict[str, str]:
    """Not those about people, whose names are known from now on, and not that appointments are
    others than the book's: these are known from now on too, and the next ones may be the same."""
    asked = {folded_key(each.key): each.key for each in questions}
    kept = {
        asked.get(folded_key(key), key): value
        for key, value in answers.items()
        if folded_key(key) in asked or key in _NEED_NO_QUESTION
    }
    return {
        key: value
        for key, value in kept.items()
        if (key == EVERYBODY or not key.startswith("practitioner:"))
        and (not key.startswith("same:") or value != ADD)
    }
