"""A mutant for each remedy of reference/failure-modes.md that `mutants` does not remove already.

Named by the number of the row: 1-29 and 39-41. Rows 1, 2, 4, 6, 7, 9, 10, 12, 13, 15, 29 and 40
have theirs in `mutants`.
"""

from __future__ import annotations

from tests.mutants.mutant import Mutant

IMPORTING = "tests/unit/test_importing.py"
CONNECTING = "tests/unit/test_connecting.py"
RECONCILE = "tests/unit/test_domain_reconcile.py"
PASSES = "tests/unit/test_passes.py"
HISTORIES = "tests/property/test_sync_histories.py"
PACING = "tests/unit/test_pacing.py"
WIRE = "tests/unit/test_google_wire.py"
GATEWAY = "tests/contract/test_google_gateway.py"

ROWS = (
    Mutant(
        name="row 3: appointments without an id that are known by their place in the file",
        file="companion/services/imports/drafts.py",
        before="        each.start.isoformat(),\n",
        after="        str(draft.row),\n",
        tests=(IMPORTING,),
    ),
    Mutant(
        name="row 5: no audit after connecting to a calendar that holds our events",
        file="companion/services/google/connecting.py",
        before="audit_due = holds_ours or bool(await self._ledger.entries(ref))",
        after="audit_due = False",
        tests=("tests/unit/test_changes_of_settings.py",),
    ),
    Mutant(
        name="row 8: held although only what is over would go",
        file="companion/domain/reconcile.py",
        before="removals = tuple(delete for delete in plan.deletes if delete.entry.ends > now)",
        after="removals = plan.deletes",
        tests=(RECONCILE,),
    ),
    Mutant(
        name="row 8: an emptied book that is not held",
        file="companion/domain/reconcile.py",
        before="emptied = book_is_empty and bool(removals)",
        after="emptied = False",
        tests=(RECONCILE,),
    ),
    Mutant(
        name="row 11: what a person deleted comes back against the setting",
        file="companion/domain/reconcile.py",
        before="        elif self._put_back:\n",
        after="        elif True:\n",
        tests=(RECONCILE, PASSES),
    ),
    Mutant(
        name="row 11: what a person deleted stays away against the setting",
        file="companion/domain/reconcile.py",
        before="        elif self._put_back:\n",
        after="        elif False:\n",
        tests=(RECONCILE, PASSES),
    ),
    Mutant(
        name="row 14: a rate error that slows nobody",
        file="companion/services/sync/retry.py",
        before="self.pacer.rate_error(self.account)",
        after="pass",
        tests=("tests/unit/test_writing.py",),
    ),
    Mutant(
        name="row 14: a rate that does not go down",
        file="companion/services/sync/pacing.py",
        before="self._factor = max(self._factor * 0.67, 0.02)",
        after="self._factor = 1.0",
        tests=(PACING,),
    ),
    Mutant(
        name="row 14: Retry-After that is not waited for",
        file="companion/services/sync/pacing.py",
        before="return max(jittered, retry_after or 0.0)",
        after="return jittered",
        tests=(PACING,),
    ),
    Mutant(
        name="row 16: a sign-in that ended with its seventh day is like any other",
        file="companion/adapters/google/account.py",
        before='or "invalid_grant" not in err.detail:',
        after="or True:",
        tests=(GATEWAY,),
    ),
    Mutant(
        name="row 17: no notice in a calendar that is out of date",
        file="companion/services/sync/staleness.py",
        before="    if since is None:\n        return ()\n",
        after="    if True:\n        return ()\n",
        tests=("tests/unit/test_staleness.py",),
    ),
    Mutant(
        name="row 18: a consent without the calendar is taken",
        file="companion/services/google/connecting.py",
        before="if consents.missing(pending.request.scopes, signed_in.granted_scopes):",
        after="if False:",
        tests=(CONNECTING,),
    ),
    Mutant(
        name="row 19: nobody comes back from the browser and we wait for ever",
        file="companion/adapters/google/loopback.py",
        before="async with asyncio.timeout(within):",
        after="async with asyncio.timeout(None):",
        tests=("tests/unit/test_google_loopback.py",),
    ),
    Mutant(
        name="row 20: secrets themselves in the password store",
        file="companion/adapters/secrets/store.py",
        before="self._vault.set(to_text(fresh))",
        after="self._vault.set(to_text(fresh) + 200 * ' secrets')",
        tests=("tests/unit/test_keyring_entry.py",),
    ),
    Mutant(
        name="row 21: another user finishes the sign-in",
        file="companion/services/google/pending.py",
        before="if pending is None or pending.user != user:",
        after="if pending is None:",
        tests=(CONNECTING,),
    ),
    Mutant(
        name="row 21: another account than the Google Login is taken",
        file="companion/services/google/connecting.py",
        before="if pending.login and not same_account(pending.login, signed_in.account):",
        after="if False:",
        tests=(CONNECTING,),
    ),
    Mutant(
        name="row 22: every calendar of the account for one of our own",
        file="companion/services/google/consents.py",
        before='    if choice.kind == "new":\n        return (*IDENTITY, APP_CREATED)\n',
        after='    if choice.kind == "new":\n        return (*IDENTITY, EVENTS)\n',
        tests=(CONNECTING,),
    ),
    Mutant(
        name="row 23: the offset of today for every day",
        file="companion/domain/appointments.py",
        before="return wall.replace(tzinfo=ZoneInfo(timezone), fold=0).astimezone(UTC)",
        after="return wall.replace(tzinfo=UTC) - (ZoneInfo(timezone).utcoffset("
        "datetime(2026, 3, 2)) or timedelta())",
        tests=("tests/property/test_domain_times.py",),
    ),
    Mutant(
        name="row 24: all-day events as midnights",
        file="companion/adapters/google/wire.py",
        before='return {"date": moment.isoformat(), "dateTime": None, "timeZone": None}',
        after='return {"dateTime": f"{moment.isoformat()}T00:00:00Z", "date": None}',
        tests=(WIRE,),
    ),
    Mutant(
        name="row 25: an occurrence that is named by where it was moved to",
        file="companion/domain/appointments.py",
        before='return f"{self.appointment.id}@{self.original_start:%Y%m%dT%H%M%S}"',
        after='return f"{self.appointment.id}@{self.start:%Y%m%dT%H%M%S}"',
        tests=(PASSES,),
    ),
    Mutant(
        name="row 26: what Google made of our text is taken for somebody's change",
        file="companion/domain/reconcile.py",
        before="if entry.state is EntryState.OK and entry.content_hash == now:",
        after="if entry.state is EntryState.OK and entry.fingerprint == now:",
        tests=("tests/unit/test_auditing.py",),
    ),
    Mutant(
        name="row 26: an audit that names as a difference what Google made of our text",
        file="companion/domain/differences.py",
        before="return row is not None and row.fingerprint == event.fingerprint "
        "and row.content_hash == now",
        after="return False",
        tests=("tests/unit/test_domain_differences.py", HISTORIES),
    ),
    Mutant(
        name="row 27: Google e-mails guests of what we insert",
        file="companion/adapters/google/calendar.py",
        before="body=wire.new_event(write.event_id, write.event, self._install),\n"
        '                    sendUpdates="none",\n',
        after="body=wire.new_event(write.event_id, write.event, self._install),\n",
        tests=("tests/contract/test_remote_calendar.py", GATEWAY),
    ),
    Mutant(
        name="row 28: an all-day event rings at midnight",
        file="companion/adapters/google/wire.py",
        before='return {"useDefault": not event.all_day, ',
        after='return {"useDefault": True, ',
        tests=(WIRE,),
    ),
    Mutant(
        name="row 39: settings that are overwritten in place",
        file="companion/adapters/settings.py",
        before="        write_durably(self.path, self._main, self.disk)\n        self.recovered",
        after="        self.path.write_bytes(self._main)\n        self.recovered",
        tests=("tests/unit/test_settings_file.py",),
    ),
    Mutant(
        name="row 41: waking up is not noticed",
        file="companion/services/sync/worker.py",
        before="if abs(missing) > ASLEEP or moment - steady > ASLEEP:",
        after="if False:",
        tests=("tests/unit/test_worker.py",),
    ),
    Mutant(
        name="row 41: an edit made offline is not tried again by itself",
        file="companion/services/sync/worker.py",
        before="            watch.seen, watch.failures = None, watch.failures + 1\n",
        after="            watch.seen, watch.failures = watch.begun, 0\n",
        tests=("tests/unit/test_worker.py",),
    ),
)
