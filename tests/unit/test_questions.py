"""Questions as values: which are open, and what the program would answer itself."""

from companion.services.imports.questions import Question, open_questions, with_guesses


def question(key: str, guess: str = "") -> Question:
    return Question(key=key, about="", text="?", choices=(), guess=guess, count=1)


def test_a_question_is_open_until_its_own_key_is_answered() -> None:
    asked = (question("status:DNA"), question("status:UTA"))
    assert open_questions(asked, {"status:UTA": "booked", "status": "booked"}) == asked[:1]


def test_a_guess_answers_only_what_nobody_has_answered() -> None:
    asked = (question("status:DNA", "cancelled"), question("timezone"), question("length", "30"))
    assert with_guesses(asked, {"status:DNA": "booked"}) == {"status:DNA": "booked", "length": "30"}


def test_the_kind_of_a_question_is_its_key_without_the_name() -> None:
    assert [question(key).kind for key in ("status:a:b", "timezone")] == ["status", "timezone"]
