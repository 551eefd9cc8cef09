"""Pages are sent whole: whatever else is awaited, a page is not sent before it is built. (NiceGUI
sends it as it is, once a timer on it wants to begin; an error after that shows nobody anything.)"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from nicegui import Client, background_tasks

from tests.fakes.practice import FakePractice
from tests.fakes.services import lived_in
from tests.fakes.waiting import until
from tests.pages.conftest import Visit, visiting


def take_time(store: object) -> None:
    """From now on it answers later, as a database does."""

    def late(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        async def answer(*args: Any, **named: Any) -> Any:
            await asyncio.sleep(0.001)
            return await method(*args, **named)

        return answer

    for name, method in inspect.getmembers(store, inspect.iscoroutinefunction):
        setattr(store, name, late(method))


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Visit]:
    practice = FakePractice()
    application = await lived_in(shared=practice)
    for each in (application.ledger, application.book, application.activity, application.secrets):
        take_time(each)
    take_time(practice)
    async with visiting(application, tmp_path) as visit:
        yield visit


def elements_in(page: str) -> set[int]:
    """Ids, as the browser gets them."""
    sent = re.search(r"String\.raw`(\{.*?\})`", page, re.DOTALL)
    assert sent is not None
    return {int(each) for each in json.loads(sent[1])}


async def test_each_page_of_a_shared_practice_is_sent_whole(shared: Visit) -> None:
    someone = next(iter(shared.application.settings.read().practitioners))
    tasks = background_tasks.running_tasks
    paths = [each.replace("{practitioner_id}", someone) for each in shared.site.pages]
    for path in sorted(paths):
        answer = await shared.user.http_client.get(path)
        assert answer.status_code == 200, path
        named = re.search(r"'client_id': '([^']+)'", answer.text)
        assert named is not None, path
        client = Client.instances[named[1]]
        await until(lambda: not any("result of page" in e.get_name() for e in tasks))
        missing = client.elements.keys() - elements_in(answer.text)
        assert not missing, (path, [client.elements[each].tag for each in missing])
