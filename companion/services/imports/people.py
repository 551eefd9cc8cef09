"""FilePractitioners: whom the practitioners' names in it mean.

- A name that a known person answers to (see `naming`) is that person. Other spellings of one
  name are one new person, called as most rows call them.
- A name near a known one, or near a fuller one in the file, is asked about, and so is one that
  takes over several known appointments of another person.
- The name `EVERYBODY`, or none, is a file's that does not say whose its appointments are.

A new person already has the id that they will get, so that answers can name it, and a plan made
before they are there holds when they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.errors import BadInput, NotFound
from companion.services.imports.naming import Naming, words_of
from companion.services.imports.questions import AnswerChoice, Answers, Question, folded_key
from companion.services.imports.reading.asking import EVERYBODY, NEW, whose_question
from companion.services.imports.reading.names import practitioner_name
from companion.services.settings.checks import slug

TAKES_OVER = 3
"""So many known appointments taken over by a new name are asked about."""
MOST_NEW = 1_000
"""More new names than that are no practitioners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    name: str
    """As most rows spell it."""
    person: Practitioner
    """With the id that they will get."""
    rows: int
    near: tuple[Practitioner, ...] = ()
    """Known people whom the name may mean, the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePractitioners:
    by_name: Mapping[str, Practitioner]
    """Names of the file as they are spelt there; what is open, as guessed. A name whose
    person nobody can guess is left out."""
    new: tuple[NewPerson, ...]
    """Who is to be created, in file order."""
    unknown: tuple[NewPerson, ...]
    """Whom nobody answered to: `new`, and those who turned out to be somebody else."""
    aliases: Mapping[str, tuple[str, ...]]
    """By person's id: names that were said to be theirs."""
    questions: tuple[Question, ...]
    """All, answered or not."""
    answered: frozenset[str]
    """Names about which somebody gave an answer."""


@dataclass(slots=True)
class _Cluster:
    """Spellings of one name nobody answers to."""

    spellings: dict[str, int] = field(default_factory=dict)
    """As written, with the number of rows."""
    answer: str = ""
    person: Practitioner | None = None
    """Who it is: somebody known, or somebody new."""

    @property
    def rows(self) -> int:
        return sum(self.spellings.values())

    @property
    def name(self) -> str:
        """As most rows have it; of equals the plainest."""
        return max(self.spellings, key=lambda name: (self.spellings[name], _plainness(name)))

    @property
    def turn(self) -> tuple[bool, bool, int]:
        """Full names before those with initials, which may mean them; what was said to be
        somebody else last."""
        words = words_of(self.name)
        short = len(words) < 2 or min(map(len, words)) < 2
        return self.answer not in {"", NEW}, short, -self.rows


class PeopleOfFile:
    """Resolves the names of one file."""

    def __init__(
        self,
        everyone: Iterable[Practitioner],
        *,
        meant: Mapping[str, str],
        answers: Answers,
        timezone: str,
    ) -> None:
        """`meant`: the mapping's own table (see `Naming`). `timezone`: of new people."""
        self._known = list(everyone)
        self._meant = frozenset(meant.values())
        self._naming = Naming(self._known, meant)
        self._answers = {folded_key(key): value.strip() for key, value in answers.items()}
        self._timezone = timezone
        self._clusters: dict[tuple[tuple[str, ...], str], _Cluster] = {}
        """By words and answer: an answer is said of one spelling, or of those answered alike."""
        self._by_spelling: dict[str, _Cluster] = {}
        self._named: set[str] = set()
        """Known people whom the file names."""
        self._questions: list[Question] = []
        self._aliases: dict[str, list[str]] = {}

    def resolve(
        self,
        rows: Mapping[str, int],
        taken_over: Mapping[str, Mapping[str, int]],
        others: Iterable[str] = (),
    ) -> FilePractitioners:
        """`rows`: names in file order, each with its number of rows. `taken_over`: by name, how
        many known appointments of whom its rows are. `others`: names in rows that could not be
        used. Raises NotFound for an answer that is nobody, BadInput for too many names."""
        for name, number in rows.items():
            self._enter(name, number)
        clusters = [*self._clusters.values()]
        if len(clusters) > MOST_NEW:
            raise BadInput(
                f"The practitioners' column names {len(clusters)} different people.",
                "Say which column names the practitioner: this one does not.",
                field="practitioner",
            )
        unknown: dict[int, NewPerson] = {}
        for each in sorted(clusters, key=lambda each: each.turn):
            found = self._decide(each, taken_over)
            if found is not None:
                unknown[id(each)] = found
        by_name = {name: self._find(name) for name in (*rows, *others)}
        in_file_order = tuple(unknown[id(each)] for each in clusters if id(each) in unknown)
        coming = {person.id for name in rows if (person := by_name[name]) is not None}
        return FilePractitioners(
            by_name={name: person for name, person in by_name.items() if person is not None},
            new=tuple(each for each in in_file_order if each.person.id in coming),
            unknown=in_file_order,
            aliases={key: tuple(names) for key, names in self._aliases.items()},
            questions=tuple(self._questions),
            answered=frozenset(name for name in rows if self._answer(name)),
        )

    def _enter(self, name: str, rows: int) -> None:
        answer = self._answer(name)
        if name in {"", EVERYBODY}:
            if answer and self._known:
                return
            if not answer:
                self._ask_for_everybody(rows)
                return
        known = self._naming.find(name)
        if known is not None:
            self._named.add(known.id)
            return
        # The first of a practice: there was nobody to choose from, so the answer is a name.
        target = answer if name in {"", EVERYBODY} else self._naming.target(name)
        said = NEW if name in {"", EVERYBODY} else answer
        words = words_of(target) or (fold_name(target),)
        cluster = self._clusters.setdefault((words, said), _Cluster(answer=said))
        cluster.spellings[target] = cluster.spellings.get(target, 0) + rows
        self._by_spelling[name] = cluster

    def _answer(self, name: str) -> str:
        key = EVERYBODY if name in {"", EVERYBODY} else f"practitioner:{name}"
        return self._answers.get(folded_key(key), "")

    def _decide(
        self, cluster: _Cluster, taken_over: Mapping[str, Mapping[str, int]]
    ) -> NewPerson | None:
        """Who it is; None where that is no question."""
        name = cluster.name
        known = Naming(self._known, {})
        if not cluster.answer and (same := known.find(name)):  # answered of another spelling
            cluster.person = same
            return None
        near = known.near(name)
        guess = near[0].id if near else NEW
        former = self._former(cluster, taken_over)
        if former is not None and former not in near:
            near = [*near, former]
            shares_a_word = set(words_of(former.name)) & set(words_of(name))
            if guess == NEW and former.id not in self._named and shares_a_word:
                guess = former.id
        new = self._somebody_new(name)
        if near:
            self._ask(name, cluster.rows, near, guess)
        cluster.person = self._meant_by(cluster.answer or guess, new)
        if cluster.person is new:
            self._known.append(new)
        elif cluster.answer:
            self._aliases.setdefault(cluster.person.id, []).extend(cluster.spellings)
        return NewPerson(name=name, person=new, rows=cluster.rows, near=tuple(near))

    def _somebody_new(self, name: str) -> Practitioner:
        """Called plainly, without title or brackets and first name first, unless the mapping says
        how."""
        plain = name if name in self._meant else practitioner_name(name)
        taken = {each.id for each in self._known}
        return Practitioner(id=free_id(plain, taken), name=plain, timezone=self._timezone)

    def _former(
        self, cluster: _Cluster, taken_over: Mapping[str, Mapping[str, int]]
    ) -> Practitioner | None:
        """Whose known appointments most rows of this name are."""
        counts: Counter[str] = Counter()
        for name, each in self._by_spelling.items():
            if each is cluster:
                counts.update(taken_over.get(name, {}))
        for who, number in counts.most_common(1):
            if number >= TAKES_OVER:
                return next((each for each in self._known if each.id == who), None)
        return None

    def _meant_by(self, value: str, new: Practitioner) -> Practitioner:
        """Whom an answer names: by id, or by name."""
        if value == NEW:
            return new
        naming = Naming(self._known, {})
        found = naming.with_id(value) or naming.find(value)
        if found is None:
            raise NotFound(
                f"The practitioner “{value[:60]}”, chosen for a name, does not exist.",
                "Choose somebody who is there, or new.",
            )
        return found

    def _find(self, name: str) -> Practitioner | None:
        if name in self._by_spelling:
            return self._by_spelling[name].person
        if name not in {"", EVERYBODY}:
            return self._naming.find(name)
        answer = self._answer(name)
        if answer:
            nobody = Practitioner(id="", name="", timezone=self._timezone)
            return self._meant_by(answer if answer != NEW else "", nobody)
        return self._known[0] if len(self._known) == 1 else None

    # ── questions ─────────────────────────────────────────────────────────────────────────────

    def _ask(self, name: str, rows: int, near: Sequence[Practitioner], guess: str) -> None:
        listed = " or ".join(each.name for each in near[:3])
        self._questions.append(
            Question(
                key=f"practitioner:{name}",
                about=name,
                text=f"Is “{name}” {listed}, or somebody new?",
                choices=(
                    *(AnswerChoice(value=each.id, label=each.name) for each in near),
                    AnswerChoice(value=NEW, label=f"Somebody new: {name}"),
                ),
                guess=guess,
                count=rows,
            )
        )

    def _ask_for_everybody(self, rows: int) -> None:
        guess = self._known[0].id if len(self._known) == 1 else ""
        self._questions.append(whose_question(self._known, "Practitioner", guess, rows))


def settles_people(people: FilePractitioners) -> bool:
    """Would an import add practitioners, or aliases of known ones?"""
    return bool(people.new or people.aliases)


def free_id(name: str, taken: Iterable[str]) -> str:
    """The id that a new person of this name gets."""
    others = set(taken)
    first = slug(name)
    number, wanted = 1, first
    while wanted in others:
        number += 1
        wanted = f"{first}-{number}"
    return wanted


def _plainness(name: str) -> tuple[bool, bool, bool, int]:
    """Higher for "Jo Smith" than for "SMITH, Jo" and "Jo Smith (Physio)"."""
    return ("," not in name, "(" not in name, not name.isupper(), -len(name))
