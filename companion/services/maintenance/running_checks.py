"""The doctor's checks of what runs by itself: sources that are fetched, notices that are sent."""

from __future__ import annotations

from collections.abc import Iterable

from companion.services.maintenance.findings import CheckContext, Finding, FindingAction, Topic

SOURCES, NOTICES = Topic("sources", "Sources"), Topic("notices", "Notices")


async def sources(context: CheckContext) -> Iterable[Finding]:
    failing, unwatched = await context.failing_sources(), await context.unwatched_sources()
    if not failing and not unwatched:
        return [SOURCES.ok("No source fails.")]
    look = FindingAction(label="Look at the sources", page="/sources")
    return [
        Topic(f"sources:{name}", SOURCES.title).fail(
            f"Nothing arrives from {name}: {why}",
            "Look at it on the page Import, Sources.",
            action=look,
        )
        for name, why in failing.items()
    ] + [
        Topic(f"unwatched:{name}", SOURCES.title).warn(
            f"Nothing arrives from {name}: {why}",
            "On a workstation that sees the folder press “Watch it from here” on the page "
            f'Import, Sources; or there: python run.py sources watch "{name}"',
            action=look,
        )
        for name, why in unwatched.items()
    ]


async def notices(context: CheckContext) -> Iterable[Finding]:
    failing = await context.failing_notices()
    if not failing:
        return [NOTICES.ok("Nothing keeps them from going out.")]
    return [
        Topic(f"notices:{way}", NOTICES.title).warn(
            what,
            "Test it on the page Practice, or switch it off there.",
            action=FindingAction(label="Look at the notices", page="/practice"),
        )
        for way, what in failing.items()
    ]
