"""The mutants: bugs that somebody could write; those of `rows` each undo one remedy of the list of
what goes wrong in calendar sync."""

from __future__ import annotations

from tests.mutants.mutant import Mutant
from tests.mutants.rows import ROWS

HISTORIES = "tests/property/test_sync_histories.py"
PASSES = "tests/unit/test_passes.py"
WRITING = "tests/unit/test_writing.py"
WORKER = "tests/unit/test_worker.py"
HELD = "tests/unit/test_held_plans.py"
SURPRISES = "tests/unit/test_worker_surprises.py"
PACING = "tests/unit/test_pacing.py"
CALENDAR = "tests/contract/test_remote_calendar.py"

MUTANTS = (
    Mutant(
        name="no intent row before the call",
        file="companion/services/sync/writing.py",
        before="        await self.ledger.write(self.target.calendar, put=intents)\n",
        after="",
    ),
    Mutant(
        name="an id that is new in every pass, as a server would assign it",
        file="companion/services/sync/steps.py",
        before="return event_id(self.install_id, self.calendar.calendar_id, key, generation)",
        after="return event_id(str(id(self)), self.calendar.calendar_id, key, generation)",
    ),
    Mutant(
        name="a guessed generation: 409 taken for a tombstone",
        file="companion/services/sync/conflict_resolution.py",
        before="seen = await self._get(step.event_id(self.target))\n",
        after="seen = None\n",
    ),
    Mutant(
        name="409 taken for success without a look",
        file="companion/services/sync/conflict_resolution.py",
        before="        if fingerprint == event.fingerprint:\n",
        after="        if fingerprint:\n",
    ),
    Mutant(
        name="a tombstone taken for a live event",
        file="companion/services/sync/conflict_resolution.py",
        before="        if seen is None or seen.deleted:\n            if step.generation",
        after="        if seen is None:\n            if step.generation",
    ),
    Mutant(
        name="edges of the window in UTC",
        file="companion/domain/window.py",
        before="return instant(self.wall_start, self.timezone)",
        after='return instant(self.wall_start, "UTC")',
    ),
    Mutant(
        name="patches that write colour and reminder blindly",
        file="companion/services/sync/steps.py",
        before='if_match = (self.if_match or action.entry.etag) if style else ""',
        after='style, if_match = True, ""',
    ),
    Mutant(
        name="a colour of the practitioner taken for ours after our own patch",
        file="companion/services/sync/steps.py",
        before='etag=answer.etag if answer.style == row.style else "",',
        after="etag=answer.etag,",
        tests=(PASSES, HISTORIES),
    ),
    Mutant(
        name="events deleted when they leave the window",
        file="companion/domain/reconcile.py",
        before="behind = entry.ends <= self._window_start and not self._tidy",
        after="behind = False",
        tests=(PASSES,),
    ),
    Mutant(
        name="forgotten as soon as an event has begun before the window",
        file="companion/domain/reconcile.py",
        before="behind = entry.ends <= self._window_start and not self._tidy",
        after="behind = entry.begins <= self._window_start and not self._tidy",
    ),
    Mutant(
        name="a list cut at its first page",
        file="companion/adapters/google/calendar.py",
        before='while page.get("nextPageToken"):',
        after='while page.get("nextPageToken") == "":',
        tests=(CALENDAR,),
    ),
    Mutant(
        name="a swallowed 412",
        file="companion/services/sync/conflict_resolution.py",
        before="return await self._resolve_style(step, action)",
        after="return None",
    ),
    Mutant(
        name="one Http shared by all threads",
        file="companion/adapters/google/threads.py",
        before="                own = self._make()\n",
        after="                own = self._owned[0] if self._owned else self._make()\n",
        tests=("tests/unit/test_google_threads.py", CALENDAR),
    ),
    Mutant(
        name="held removals that are not remembered",
        file="companion/services/sync/persistence.py",
        before="state = replace(state, held=decided.held)",
        after="state = replace(state, held=None)",
        tests=(PASSES,),
    ),
    Mutant(
        name="held removals that go out after all",
        file="companion/services/sync/held_removals.py",
        before="return replace(snapshot.plan, deletes=going)",
        after="return snapshot.plan",
        tests=(PASSES,),
    ),
    Mutant(
        name="a release that lets go more than was shown",
        file="companion/services/sync/held_removals.py",
        before="self._everything = self._release and shown is None",
        after="self._everything = self._release",
        tests=(HELD,),
    ),
    Mutant(
        name="keeping that is undone by the end of a running pass",
        file="companion/services/sync/held_removals.py",
        before="items = tuple(item for item in self._items if item.name not in kept)",
        after="items = self._items",
        tests=(HELD,),
    ),
    Mutant(
        name="history that an unanswered write takes out of Google",
        file="companion/domain/reconcile.py",
        before="kept = entry.state in {EntryState.OK, EntryState.PENDING}",
        after="kept = entry.state is EntryState.OK",
        tests=(PASSES,),
    ),
    Mutant(
        name="an unanswered move that is looked for at the old place alone",
        file="companion/services/sync/steps.py",
        before="ends=max(action.entry.ends, action.event.ends),",
        after="",
        tests=(PASSES,),
    ),
    Mutant(
        name="a clock that ran ahead stops the nightly audits",
        file="companion/services/sync/worker.py",
        before="return not tonight <= watch.audited_on <= tonight + timedelta(days=1)",
        after="return tonight > watch.audited_on",
        tests=(SURPRISES,),
    ),
    Mutant(
        name="a killed command's half of an upload is left as it is",
        file="companion/services/sync/worker.py",
        before="            await self._look_after_others()\n",
        after="            pass\n",
        tests=(SURPRISES,),
    ),
    Mutant(
        name="all-day events placed in the calendar's zone",
        file="companion/services/sync/passes.py",
        before="replace(seen, timezone=window.timezone)\n            for seen in listed",
        after="seen\n            for seen in listed",
        tests=("tests/unit/test_auditing.py",),
    ),
    Mutant(
        name="an unanswered write taken for done",
        file="companion/domain/reconcile.py",
        before="entry.state is EntryState.OK\n            and entry.fingerprint",
        after="entry.state is not EntryState.REMOVING\n            and entry.fingerprint",
        tests=(WRITING, HISTORIES),
    ),
    Mutant(
        name="a delete of what is gone fails for ever",
        file="companion/adapters/google/calendar.py",
        before="                read[number] = None  # gone is what we wanted",
        after="                pass",
        tests=(CALENDAR,),
    ),
    Mutant(
        name="a place that changes unnoticed",
        file="companion/domain/events.py",
        before="(_stamp(start), _stamp(end), summary, location, description, availability, ",
        after="(_stamp(start), _stamp(end), summary, description, availability, ",
    ),
    Mutant(
        name="names left in free text",
        file="companion/domain/events.py",
        before="_plain(self._redact(clean_text(occurrence.notes, keep_lines=True)))",
        after="_plain(clean_text(occurrence.notes, keep_lines=True))",
    ),
    Mutant(
        name="our events that the ledger does not know are removed and made anew",
        file="companion/domain/reconcile.py",
        before="if not seen.key or known is not None:",
        after="if True:",
        tests=(HISTORIES, PASSES),
    ),
    Mutant(
        name="two events for one appointment both stay",
        file="companion/domain/reconcile.py",
        before="            self._deletes.append(Delete(entry=_entry_of(seen, "
        "_extra(seen.key, seen.event_id))))\n            return",
        after="            return",
    ),
    Mutant(
        name="an edit under a running pass taken for done",
        file="companion/services/sync/worker.py",
        before="watch.seen, watch.failures = watch.begun, 0",
        after="watch.seen, watch.failures = watch.planned, 0",
        tests=(WORKER,),
    ),
    Mutant(
        name="a probe that never ends",
        file="companion/services/sync/worker.py",
        before="                self._network.probing = False\n",
        after="                pass\n",
        tests=(WORKER,),
    ),
    Mutant(
        name="bursts as large as the limit",
        file="companion/services/sync/pacing.py",
        before="self.capacity = max(float(HEAVIEST), min(limit * 0.014, 400.0))",
        after="self.capacity = limit / 4",
        tests=(PACING,),
    ),
    Mutant(
        name="a bucket that starts full",
        file="companion/services/sync/pacing.py",
        before="        self._level = 0.0\n",
        after="        self._level = self.capacity\n",
        tests=(PACING,),
    ),
    Mutant(
        name="patches charged like any call",
        file="companion/services/sync/steps.py",
        before="return 3 if isinstance(self.action, Update) else 1",
        after="return 1",
        tests=(WRITING,),
    ),
    Mutant(
        name="what an audit corrects is lost to an edit under it",
        file="companion/domain/reconcile.py",
        before="corrections=tuple(self._kept_apart()),",
        after="",
        tests=(PASSES,),
    ),
    Mutant(
        name="parking that is forgotten at a restart",
        file="companion/services/sync/passes.py",
        before="        if until is not None:\n            raise parked",
        after="        if False:\n            raise parked",
        tests=(PASSES,),
    ),
    *ROWS,
)
