"""People: whom the practitioners' names of a file mean.

A name means a known practitioner where it is theirs, an alias, or surely another spelling of it
("SMITH, Jo", "Dr Jo Smith"). A name that is only near a known one, or near another name of the
same file, is a question; every other name is a new practitioner. Spellings that surely mean one
person become one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.errors import NotFound
from companion.domain.settings import Settings
from companion.services.imports.naming import CLOSE, Naming, likeness
from companion.services.imports.questions import Choice, Question
from companion.services.imports.reading.asking import NEW, Asking
from companion.services.imports.reading.names import person_key, practitioner_name
from companion.services.settings.practitioners import free_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewName:
    """A practitioner's name nobody answers to."""

    name: str
    rows: int
    suggestion: str | None = None
    """Id of a known practitioner with a name much like it."""
    suggestion_name: str = ""


@dataclass(slots=True, kw_only=True)
class People:
    by_name: dict[str, Practitioner] = field(default_factory=dict)
    """Name as in the file; `id` empty for someone to be created."""
    new_names: tuple[NewName, ...] = ()
    near: dict[str, str] = field(default_factory=dict)
    """Name as in the file to the id of the person whom it may mean."""


@dataclass(slots=True)
class _Group:
    """Spellings that surely mean one person."""

    names: list[str]
    rows: int
    target: str
    """After the mapping's own table."""
    display: str = ""
    id: str = ""

    def person(self, settings: Settings) -> Practitioner:
        """Not there yet: without an id."""
        return Practitioner(id="", name=self.display, timezone=settings.practice.timezone)


def people_of(
    names: Mapping[str, int], naming: Naming, settings: Settings, asking: Asking
) -> People:
    """`names`: as in the file, to rows. Raises NotFound for an answer that is nobody's id."""
    found = People()
    groups: dict[str, _Group] = {}
    for name, rows in names.items():
        known = naming.find(name)
        if known is not None:
            found.by_name[name] = known
            continue
        target = naming.target(name)
        key = person_key(target) or fold_name(target)
        group = groups.setdefault(key, _Group(names=[], rows=0, target=target))
        group.names.append(name)
        group.rows += rows
    ordered = sorted(groups.values(), key=lambda each: -each.rows)
    _give_ids(ordered, names, settings)
    new: dict[str, _Group] = {}
    for group in ordered:
        person = _settled(group, naming, settings, new, asking, found)
        if not person.id:
            new[group.id] = group
        for name in group.names:
            found.by_name[name] = person
    found.new_names = tuple(
        NewName(
            name=group.names[0],
            rows=group.rows,
            suggestion=found.near.get(group.names[0]),
            suggestion_name=_name_of(found.near.get(group.names[0]), settings),
        )
        for group in groups.values()
        if not found.by_name[group.names[0]].id
    )
    return found


def _settled(
    group: _Group,
    naming: Naming,
    settings: Settings,
    new: Mapping[str, _Group],
    asking: Asking,
    found: People,
) -> Practitioner:
    name = group.names[0]
    near = naming.suggestion(group.target)
    options = [] if near is None else [Choice(value=near.id, label=near.name)]
    # Of two names of this file that are nearly alike, the one of fewer rows is asked about.
    options += [
        Choice(value=each.id, label=each.display)
        for each in new.values()
        if likeness(group.target, each.target) >= CLOSE
    ]
    if near is not None:
        found.near[name] = near.id
    given = (asking.answer(f"practitioner:{each}") for each in group.names)
    answer = next((each for each in given if each), None)
    if options:
        listed = " or ".join(f"“{each.label}”" for each in options)
        question = Question(
            key=f"practitioner:{name}",
            about=f"the practitioner “{name}”",
            text=f"Is “{name}” {listed}, or somebody new?",
            choices=(*_everybody(options, settings), Choice(value=NEW, label="Somebody new")),
            guess=options[0].value,
            count=group.rows,
            example=name,
        )
        answer = asking.settle(question) if answer is None else _noted(question, answer, asking)
    if answer and answer.casefold() != NEW:
        return _meant(answer, settings, new)
    return group.person(settings)


def _noted(question: Question, answer: str, asking: Asking) -> str:
    asking.asked.setdefault(question.key, question)
    return answer


def _everybody(options: list[Choice], settings: Settings) -> tuple[Choice, ...]:
    """The near ones first, then everybody else who is known."""
    first = {each.value for each in options}
    rest = (each.practitioner for each in settings.practitioners.values())
    return (*options, *(Choice(value=each.id, label=each.name) for each in rest if each.id not in first))


def _meant(answer: str, settings: Settings, new: Mapping[str, _Group]) -> Practitioner:
    if answer in settings.practitioners:
        return settings.practitioners[answer].practitioner
    if answer in new:
        return new[answer].person(settings)
    for each in settings.practitioners.values():
        if each.practitioner.answers_to(answer):
            return each.practitioner
    for group in new.values():
        if fold_name(group.display) == fold_name(answer):
            return group.person(settings)
    raise NotFound("The practitioner chosen for a name does not exist any more.")


def _give_ids(groups: list[_Group], names: Mapping[str, int], settings: Settings) -> None:
    """What each would be called, and the id that somebody of that name would get."""
    taken: set[str] = set()
    for group in groups:
        group.display = group.target
        if group.target == group.names[0]:
            spelling = max(group.names, key=lambda each: (names[each], each))
            group.display = practitioner_name(spelling)
        wanted = first = free_id(settings, group.display)
        number = 1
        while wanted in taken:
            number += 1
            wanted = f"{first}-{number}"
        taken.add(wanted)
        group.id = wanted


def _name_of(person_id: str | None, settings: Settings) -> str:
    if person_id is None or person_id not in settings.practitioners:
        return ""
    return settings.practitioners[person_id].practitioner.name

