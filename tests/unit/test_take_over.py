"""A calendar that another installation keeps: noticed, said, taken over by a person's choice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.calendar_writers import MARK, CalendarWriter
from companion.domain.errors import (
    AnotherWriter,
    CalendarInUse,
    CompanionError,
    Offline,
    SignInTimedOut,
)
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, CalendarChoice
from companion.services.google.pending import PATIENCE
from tests.fakes.connecting import BACK, INSTALL, LIST, MAX, NEW, TOKEN, ZOE, Fixture, existing

TAKE_OVER = CalendarChoice(kind="new", take_over=True)


@pytest.fixture
async def lost() -> Fixture:
    """The computer that was lost: Zoë's calendar holds three events."""
    fixture = Fixture()
    await fixture.connect()
    await fixture.upload(3)
    return fixture


@pytest.fixture
def new(lost: Fixture) -> Fixture:
    return Fixture.elsewhere(lost)


async def refused(fixture: Fixture, **more: object) -> CalendarInUse:
    with pytest.raises(CalendarInUse) as caught:
        await fixture.connect(**more)  # type: ignore[arg-type] # as `connect` takes them
    return caught.value


def calendar_of(fixture: Fixture) -> str:
    return fixture.record().google.calendar_id


async def test_an_earlier_calendar_is_offered_instead_of_making_another(
    lost: Fixture, new: Fixture
) -> None:
    error = await refused(new)
    [offer] = error.offers
    assert (offer.calendar_id, offer.events) == (calendar_of(lost), 3)
    assert offer.last_write == lost.clock.now()
    assert "3 events, last written on Mon 2 March 20:00" in error.what
    assert "--take-over" in error.remedy
    assert new.google.creations == 0
    assert not new.record().google.connected
    assert TOKEN not in new.secrets.kept


async def test_the_decision_needs_no_second_sign_in(lost: Fixture, new: Fixture) -> None:
    error = await refused(new)
    held = new.service.undecided("zoe")
    assert held is not None
    assert (held.offers, held.what) == (error.offers, error.what)
    assert new.google.revocations == []
    done = await new.service.decide("zoe", calendar_of(lost))
    assert (done.calendar_id, done.adopted) == (calendar_of(lost), 3)
    link = new.record().google
    assert (link.connected, link.created_by_us, link.term, link.marks) == (True, True, 2, (MARK,))
    state = await new.ledger.state("zoe")
    assert (state.audit_due, state.others) == (True, {})
    assert new.service.undecided("zoe") is None
    again = await new.connect()
    assert again.calendar_id == calendar_of(lost)


async def test_another_calendar_can_be_made_all_the_same(lost: Fixture, new: Fixture) -> None:
    await refused(new)
    done = await new.service.decide("zoe")
    assert done.calendar_id != calendar_of(lost)
    assert (new.google.creations, new.record().google.term) == (1, 1)


async def test_neither_leaves_the_other_installations_sign_in_alone(new: Fixture) -> None:
    """Google ends every sign-in of an account with a client when one is given back."""
    await refused(new)
    new.service.decline("zoe")
    assert new.google.revocations == []
    assert new.service.undecided("zoe") is None
    with pytest.raises(SignInTimedOut):
        await new.service.decide("zoe")


async def test_a_decision_waits_ten_minutes(new: Fixture) -> None:
    await refused(new)
    new.clock.shift(PATIENCE / timedelta(seconds=1))
    assert new.service.undecided("zoe") is None
    with pytest.raises(SignInTimedOut):
        await new.service.decide("zoe")
    assert new.google.revocations == []


async def test_beginning_anew_ends_the_decision_before(new: Fixture) -> None:
    await refused(new)
    await new.service.begin("zoe", redirect_uri=BACK)
    assert new.service.undecided("zoe") is None


async def test_one_word_takes_the_only_earlier_calendar_over(lost: Fixture, new: Fixture) -> None:
    done = await new.connect(calendar=TAKE_OVER)
    assert (done.calendar_id, new.google.creations) == (calendar_of(lost), 0)


async def test_of_several_a_person_names_one(lost: Fixture, new: Fixture) -> None:
    second = Fixture.elsewhere(lost)
    await second.connect(calendar=CalendarChoice(kind="new", look=False))
    error = await refused(new, calendar=TAKE_OVER)
    assert {each.calendar_id for each in error.offers} == {calendar_of(lost), calendar_of(second)}
    wanted = CalendarChoice(kind="existing", calendar_id=calendar_of(lost), take_over=True)
    assert (await new.connect(calendar=wanted)).calendar_id == calendar_of(lost)


async def test_who_wants_another_calendar_is_asked_nothing(new: Fixture) -> None:
    await new.connect(calendar=CalendarChoice(kind="new", look=False))
    assert new.google.creations == 1


async def test_without_the_permission_to_look_a_calendar_is_made(new: Fixture) -> None:
    await new.connect(untick=[CALENDAR_LIST])
    assert new.google.creations == 1
    assert new.record().google.scopes == tuple(
        each for each in new.record().google.scopes if each != CALENDAR_LIST
    )
    assert APP_CREATED in new.record().google.scopes


async def test_a_calendar_of_a_colleague_here_is_not_offered(lost: Fixture) -> None:
    await lost.connect("max", account=ZOE)
    assert lost.google.creations == 2


async def test_a_pasted_calendar_that_another_keeps_is_taken_over_by_choice_alone(
    lost: Fixture, new: Fixture
) -> None:
    calendar_id = calendar_of(lost)
    error = await refused(new, calendar=existing(calendar_id))
    assert [each.events for each in error.offers] == [3]
    assert not new.record().google.connected
    choice = replace(existing(calendar_id), take_over=True)
    assert (await new.connect(calendar=choice)).adopted == 3
    assert new.record().google.term == 2


async def test_one_of_the_list_that_another_keeps_is_taken_over_by_choice_alone(
    lost: Fixture, new: Fixture
) -> None:
    await new.connect(calendar=LIST)
    with pytest.raises(CalendarInUse):
        await new.service.choose("zoe", calendar_of(lost))
    assert not new.record().google.connected
    await new.service.choose("zoe", calendar_of(lost), take_over=True)
    assert new.record().google.term == 2


async def test_events_of_an_older_program_keep_their_mark(lost: Fixture, new: Fixture) -> None:
    for each in lost.calendar().events.values():
        each.mark, each.stamp = "0123456789abcdef", CalendarWriter(id="").stamp(lost.clock.now())
    error = await refused(new)
    assert error.offers[0].events == 3
    await new.service.decide("zoe", calendar_of(lost))
    link = new.record().google
    assert (link.marks, link.term) == (("0123456789abcdef",), 1)


async def test_our_own_events_need_no_decision(lost: Fixture) -> None:
    first = calendar_of(lost)
    for choice in (None, existing(first)):
        await lost.connect(calendar=choice)
    await lost.connect(calendar=CalendarChoice(kind="new", look=False))
    await lost.connect(calendar=existing(first))
    assert (calendar_of(lost), lost.record().google.term) == (first, 1)


async def test_signing_in_again_asks_once_another_computer_was_put_in_charge(
    lost: Fixture, new: Fixture
) -> None:
    await new.connect(calendar=TAKE_OVER)
    await new.upload(4, noted=False)
    await lost.service.disconnect("zoe")
    await refused(lost)
    await lost.service.decide("zoe", calendar_of(lost))
    assert lost.record().google.term == 3


async def test_a_restored_home_connects_again_without_being_asked(lost: Fixture) -> None:
    await lost.upload(5)
    lost.settings.current = replace(lost.settings.current, restored_as="restored")
    await lost.ledger.edit_state("zoe", lambda state: replace(state, others=None))
    lost.service = lost.new_service()
    await lost.connect()
    assert lost.record().google.connected


@pytest.mark.parametrize("way", ["the same one", "by way of another", "by way of the list"])
async def test_a_restored_home_that_chooses_its_calendar_again_takes_its_events_for_the_past(
    lost: Fixture, way: str
) -> None:
    first, written = calendar_of(lost), lost.clock.now()
    lost.settings.current = replace(lost.settings.current, restored_as="restored")
    await lost.ledger.edit_state("zoe", lambda state: replace(state, others=None))
    lost.service = lost.new_service()
    if way == "by way of another":
        await lost.connect(calendar=CalendarChoice(kind="new", look=False))
    elif way == "by way of the list":
        await lost.connect(calendar=LIST)
    await lost.service.choose("zoe", first)
    stamp = CalendarWriter(id=INSTALL).stamp(written)
    assert (await lost.ledger.state("zoe")).others == {INSTALL: stamp.at}
    assert lost.record().google.term == 1


async def test_a_calendar_that_another_computer_took_over_meanwhile_is_asked_about(
    lost: Fixture, new: Fixture
) -> None:
    """Though every event in it is known here."""
    first = calendar_of(lost)
    await lost.connect(calendar=CalendarChoice(kind="new", look=False))
    await new.connect(calendar=replace(existing(first), take_over=True))
    writer = new.settings.read().writer_for(new.record().google)
    for each in new.calendar().live():
        each.stamp = writer.stamp(new.clock.now())
    with pytest.raises(CalendarInUse):
        await lost.service.choose("zoe", first)


async def test_a_calendar_that_another_client_made_is_offered_without_its_events(
    lost: Fixture, new: Fixture
) -> None:
    lost.google.made_by_us.clear()
    error = await refused(new)
    assert [each.events for each in error.offers] == [None]


async def test_trouble_while_taking_over_leaves_nothing(lost: Fixture, new: Fixture) -> None:
    await refused(new)
    new.google.offline = True
    with pytest.raises(Offline):
        await new.service.decide("zoe", calendar_of(lost))
    assert not new.record().google.connected
    new.google.offline = False
    with pytest.raises(CompanionError):
        await new.service.decide("zoe", calendar_of(lost))


async def test_an_account_without_calendars_of_ours_gets_one(new: Fixture) -> None:
    await new.connect("max", account=MAX, calendar=NEW)
    assert new.google.creations == 1


@pytest.mark.parametrize("chosen", [False, True])
async def test_the_background_sync_never_sees_a_calendar_before_its_audit_is_due(
    lost: Fixture, new: Fixture, chosen: bool
) -> None:
    """It would add every appointment beside the event that the audit takes over."""
    first, due = calendar_of(lost), []
    if chosen:
        await new.connect(calendar=LIST)

    def look(_notice: object) -> None:
        if new.record().google.calendar_id:
            due.append(json.loads(new.ledger._states.get("zoe", "{}")).get("audit_due"))

    new.settings.publishes_to.subscribe(look)
    if chosen:
        await new.service.choose("zoe", first, take_over=True)
    else:
        await new.connect(calendar=TAKE_OVER)
    assert due
    assert all(due)


async def test_the_old_computer_disconnects_though_switched_off_without_ending_it_either(
    lost: Fixture, new: Fixture
) -> None:
    await new.connect(calendar=TAKE_OVER)
    await new.upload(4, noted=False)
    off = replace(lost.record(), choices=replace(lost.record().choices, enabled=False))
    lost.settings.current = lost.settings.current.with_practitioner(off)
    await lost.service.disconnect("zoe")
    assert lost.google.revocations == []


async def test_another_account_on_the_old_computer_does_not_end_it_either(
    lost: Fixture, new: Fixture
) -> None:
    await new.connect(calendar=TAKE_OVER)
    await new.upload(4, noted=False)
    await lost.connect(account=MAX, login=MAX, calendar=NEW)
    assert lost.google.revocations == []


async def test_the_old_computer_disconnects_without_ending_the_new_ones_sign_in(
    lost: Fixture, new: Fixture
) -> None:
    await new.connect(calendar=TAKE_OVER)
    await new.upload(4, noted=False)
    await lost.service.disconnect("zoe")
    assert lost.google.revocations == []
    assert TOKEN not in lost.secrets.kept
    assert not lost.record().google.connected
    assert "another computer keeps the calendar" in lost.activity.lines[-1].text


async def test_its_events_stay_though_removing_them_was_asked_for(
    lost: Fixture, new: Fixture
) -> None:
    await new.connect(calendar=TAKE_OVER)
    await new.upload(4, noted=False)
    with pytest.raises(AnotherWriter, match="not removed"):
        await lost.service.disconnect("zoe", remove_events=True)
    assert len(lost.calendar().ours()) == 4
