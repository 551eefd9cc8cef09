"""Who keeps the calendars, in words, and what administrators may do with workstations."""

from __future__ import annotations

import pytest

from companion.commands.sync_reports import app_words, board_json, board_words
from companion.domain.errors import BadInput, Busy, NotFound
from companion.domain.practice_errors import DatabaseAway
from companion.services.standing import standing
from companion.services.workstations import FRESH, PATIENCE, version_key
from tests.fakes.clock import FakeClock
from tests.fakes.practice import FakePractice, off, workstation
from tests.fakes.services import TUESDAY, FakeApplication, fake_application


class House:
    def __init__(self, practice: FakePractice | None = None) -> None:
        self.clock = FakeClock(TUESDAY)
        self.practice = practice or FakePractice()
        self.application: FakeApplication = fake_application(clock=self.clock, shared=self.practice)
        self.shared = self.application.services.shared_practice

    async def sentence(self) -> tuple[str, str]:
        found = await self.shared.keeping()
        assert found is not None
        return found.sentence, found.remedy


async def test_a_home_that_is_not_shared_says_nothing_of_workstations() -> None:
    services = fake_application().services
    assert not services.shared_practice.shared
    assert services.shared_practice.reachable
    assert await services.shared_practice.keeping() is None
    assert (await services.status.board()).keeping is None
    with pytest.raises(NotFound, match="practice create"):
        await services.shared_practice.workstations()


async def test_the_board_names_the_one_that_keeps_the_calendars_without_a_remedy() -> None:
    house = House()
    board = await house.application.services.status.board()
    assert board.keeping is not None
    assert board.keeping.sentence == "Front desk keeps the calendars."
    assert not board.keeping.remedy
    said = standing(board, house.clock.now())
    assert said.mood == "well"


async def test_the_status_says_so_too_in_words_and_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = await House().application.services.status.board()
    board_words(board)
    assert capsys.readouterr().out.startswith("Front desk keeps the calendars.\n")
    assert board_json(board)["keeping"] == {
        "workstation": "Front desk",
        "here": False,
        "sentence": "Front desk keeps the calendars.",
        "remedy": "",
    }
    assert board_json(await fake_application().services.status.board())["keeping"] is None
    assert "calendars are not kept" not in app_words({"running": False}, shared=True)


async def test_the_one_that_keeps_them_says_so_of_itself() -> None:
    house = House(FakePractice(this_one="front-desk"))
    assert await house.sentence() == ("This workstation keeps the calendars.", "")


async def test_a_take_over_is_no_fault_until_it_takes_too_long() -> None:
    house = House(FakePractice(found=[workstation("Back office"), off("Front desk")]))
    assert await house.sentence() == (
        "Another workstation is about to take over the calendars.",
        "",
    )
    house.clock.shift(PATIENCE.total_seconds())
    sentence, remedy = await house.sentence()
    assert sentence == "No workstation keeps the calendars."
    assert "on Back office" in remedy
    board = await house.application.services.status.board()
    assert standing(board, house.clock.now()).mood == "waiting"
    house.practice.change("back-office", keeps_calendars=True)
    house.clock.shift(FRESH)
    assert await house.sentence() == ("This workstation keeps the calendars.", "")


async def test_where_none_is_on_that_is_said_at_once() -> None:
    house = House(FakePractice(found=[off("Back office"), off("Front desk")]))
    sentence, remedy = await house.sentence()
    assert sentence == "No workstation keeps the calendars: Calendar Companion runs on none."
    assert remedy.startswith("Start it")


async def test_while_the_server_is_away_what_was_read_last_is_given_and_it_is_said() -> None:
    house = House()
    await house.shared.workstations()
    house.practice.server.reachable = False
    seen = await house.shared.workstations()
    assert seen.away
    assert [each.name for each in seen.all] == ["Back office", "Front desk", "Second site"]
    sentence, remedy = await house.sentence()
    assert sentence == "The practice's database cannot be reached."
    assert "Phones get the last good calendar. Nothing is lost." in remedy
    house.practice.server.reachable = True
    assert (await house.sentence())[0] == "Front desk keeps the calendars."


async def test_what_was_never_read_cannot_be_given_while_it_is_away() -> None:
    house = House()
    house.practice.server.reachable = False
    with pytest.raises(DatabaseAway):
        await house.shared.workstations()
    assert (await house.sentence())[0] == "The practice's database cannot be reached."


async def test_many_pages_cost_one_question_in_two_seconds() -> None:
    house = House()
    for _ in range(20):
        await house.shared.workstations()
        await house.shared.keeping()
    assert house.practice.asked == 1
    house.clock.shift(FRESH)
    await house.shared.workstations()
    assert house.practice.asked == 2


async def test_another_one_is_chosen_and_the_activity_says_so() -> None:
    house = House()
    await house.shared.let_keep("back-office")
    assert house.practice.wanted == "back-office"
    lines = await house.application.activity.recent(5)
    assert lines[0].text == "Back office was chosen to keep the calendars."


async def test_one_that_is_off_is_not_chosen_and_one_that_is_on_is_not_forgotten() -> None:
    house = House()
    with pytest.raises(Busy, match="Second site is off"):
        await house.shared.let_keep("second-site")
    with pytest.raises(Busy, match="Front desk is on"):
        await house.shared.forget("front-desk")
    assert len(house.practice.found) == 3
    await house.shared.forget("second-site")
    assert len(house.practice.found) == 2
    with pytest.raises(NotFound):
        await house.shared.forget("second-site")


async def test_a_new_name_is_tidied_and_belongs_to_one_alone() -> None:
    house = House()
    await house.shared.rename("second-site", "  Parkside\n clinic ")
    assert [each.name for each in (await house.shared.workstations()).all][-1] == "Parkside clinic"
    for name, said in (("", "needs a name"), ("x" * 61, "longer than"), ("front DESK", "already")):
        with pytest.raises(BadInput, match=said) as refused:
            await house.shared.rename("second-site", name)
        assert refused.value.field == "name"


async def test_older_programs_are_told_apart_from_the_newest() -> None:
    found = [workstation("Front desk", version="1.9.2"), workstation("Back office", version="1.10")]
    seen = await House(FakePractice(found=found)).shared.workstations()
    assert [each.name for each in seen.all if seen.outdated(each)] == ["Front desk"]
    assert version_key("1.10.0") > version_key("1.9.9")


async def test_who_goes_on_without_this_one_is_said() -> None:
    house = House()
    assert await house.shared.without_this_one() == (
        "Front desk goes on and keeps the calendars. Phones that fetch from this one wait for its "
        "next start."
    )
    house.practice.found.append(workstation("Room 3"))
    house.clock.shift(FRESH)
    assert (await house.shared.without_this_one()).startswith("The other workstations go on and")


async def test_that_nobody_goes_on_without_this_one_is_said() -> None:
    house = House(FakePractice(found=[workstation("Back office"), off("Front desk")]))
    assert "until one is started" in await house.shared.without_this_one()


@pytest.mark.parametrize("known", [True, False])
async def test_who_goes_on_is_not_known_while_the_server_is_away(known: bool) -> None:
    house = House()
    if known:
        await house.shared.workstations()
    house.practice.server.reachable = False
    assert "as soon as the database answers" in await house.shared.without_this_one()


async def test_without_a_home_of_its_own_nobody_else_goes_on() -> None:
    assert await fake_application().services.shared_practice.without_this_one() == ""
