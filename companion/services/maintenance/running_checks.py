"""The doctor's checks of what runs by itself: sources that are fetched, notices that are sent."""

from __future__ import annotations

from collections.abc import Iterable

from companion.services.maintenance.findings import CheckContext, Finding, FindingAction


async def sources(context: CheckContext) -> Iterable[Finding]:
    failing, unwatched = await context.failing_sources(), await context.unwatched_sources()
    if not failing and not unwatched:
        return [Finding(id="sources", state="ok", title="Sources", what="No source fails.")]
    return [
        Finding(
            id=f"sources:{name}",
            state="fail",
            title="Sources",
            what=f"Nothing arrives from {name}: {why}",
            remedy="Look at it on the page Import, Sources.",
            action=FindingAction(label="Look at the sources", page="/sources"),
        )
        for name, why in failing.items()
    ] + [
        Finding(
            id=f"unwatched:{name}",
            state="warn",
            title="Sources",
            what=f"Nothing arrives from {name}: {why}",
            remedy="On a workstation that sees the folder press “Watch it from here” on the page "
            f'Import, Sources; or there: python run.py sources watch "{name}"',
            action=FindingAction(label="Look at the sources", page="/sources"),
        )
        for name, why in unwatched.items()
    ]


async def notices(context: CheckContext) -> Iterable[Finding]:
    failing = await context.failing_notices()
    if not failing:
        what = "Nothing keeps them from going out."
        return [Finding(id="notices", state="ok", title="Notices", what=what)]
    return [
        Finding(
            id=f"notices:{way}",
            state="warn",
            title="Notices",
            what=what,
            remedy="Test it on the page Practice, or switch it off there.",
            action=FindingAction(label="Look at the notices", page="/practice"),
        )
        for way, what in failing.items()
    ]
