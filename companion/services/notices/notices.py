"""Notices: looks for troubles every minute and tells people, each once when it begins and once when
it is over (`telling`), in the ways that the practice has chosen.

What was told is saved before and after each message. Where even that fails (a full disk is among
the troubles told of), it is told all the same and remembered until the app ends.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets as randomness
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.errors import BadInput, CompanionError, NoticeNotSent
from companion.domain.notice_choices import NoticeChoices
from companion.domain.practice_errors import Overtaken
from companion.domain.settings import Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.changes import (
    Change,
    Changes,
    FeedLinksChanged,
    SettingsChanged,
    SyncStateChanged,
)
from companion.services.known_names import KnownNames
from companion.services.notices.addressing import channels_of, checked_webhook, hearers
from companion.services.notices.looking import Looking
from companion.services.notices.telling import (
    Channel,
    Failing,
    Message,
    NoticeBook,
    Way,
    begun,
    due,
    refused,
    sent,
    with_channels,
)
from companion.services.notices.troubles import Trouble, seen
from companion.services.notices.ways import Mail, NoticeWays
from companion.services.notices.wording import NAME, MessageOrigin, NoticeWording, webhook_body
from companion.services.pools import NOTICES
from companion.services.ports import (
    Activity,
    ActivityKind,
    ActivityLog,
    Clock,
    SecretStore,
    SettingsStore,
)
from companion.services.settings.notice_checks import complete
from companion.services.settings.notice_words import PREFIX
from companion.services.waiting_for import set_or_over

log = logging.getLogger(__name__)
PASSWORD, WEBHOOK, WEBHOOK_KEY = "notices/mail", "notices/webhook", "notices/webhook-key"
LOOK_EVERY, COLLECT = 60.0, 10.0
"""Seconds."""
GRACE = timedelta(minutes=2)
"""After a start, or the computer's sleep, passes and folders get their time first."""
ASLEEP = 30.0
LONGEST_PAUSE = 3600.0
LAST_MOMENT = 1.0
"""For so long the app's end waits for a message under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesStanding:
    """How telling people stands."""

    password: bool
    """The mail server's is kept."""
    failing: dict[Way, Failing]
    troubles: tuple[Trouble, ...]
    """There just now, as the app saw them last."""


@dataclass(kw_only=True)
class Notices:
    ways: NoticeWays
    looking: Looking
    names: KnownNames
    settings: SettingsStore
    secrets: SecretStore
    activity: ActivityLog
    clock: Clock
    changes: Changes
    chance: random.Random
    _book: NoticeBook | None = field(default=None, init=False)
    _unsaved: bool = field(default=False, init=False)
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict, init=False)
    """By what fails: how often in a row, and until when (monotonic) it is left alone."""
    _woken: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _awake_from: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._awake_from = self.clock.now()

    # ── in the background ─────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until cancelled."""
        self._awake_from = self.clock.now()
        self._book = None  # another may have told since this one did
        wall, steady = self.clock.now(), self.clock.monotonic()
        unsubscribe = self.changes.subscribe(self._on_change)
        try:
            while True:
                try:
                    await self.look()
                except CompanionError as error:  # a locked database: soon again
                    log.warning("troubles were not looked for: %s", type(error).__name__)
                await self._wait()
                now, moment = self.clock.now(), self.clock.monotonic()
                missing = (now - wall).total_seconds() - (moment - steady)
                if abs(missing) > ASLEEP or moment - steady > 2 * LOOK_EVERY:
                    self._awake_from = now
                wall, steady = now, moment
        finally:
            unsubscribe()
            self._book = None

    def _on_change(self, change: Change) -> None:
        if isinstance(change, SettingsChanged):
            self._tries.clear()
        if isinstance(change, SettingsChanged | SyncStateChanged | FeedLinksChanged):
            self._woken.set()

    async def _wait(self) -> None:
        """A minute, or a change and the time in which further changes are collected."""
        await set_or_over(self._woken, self.clock.sleep(LOOK_EVERY))
        if self._woken.is_set():
            await self.clock.sleep(COLLECT)
            self._woken.clear()

    async def look(self) -> None:
        """Look once, and tell what is due. Raises CompanionError where nothing can be seen."""
        now = self.clock.now()
        if now - self._awake_from < GRACE:
            return
        settings = self.settings.read()
        before = await self._read()
        sight = await self.looking.look(now, awake_from=self._awake_from, begun_at=before.begun_at)
        channels = channels_of(settings)
        after = with_channels(before, channels, now)
        after = replace(after, episodes=seen(after.episodes, sight.troubles, sight.unsure, now))
        names = {each.name for each in channels} | {each.way for each in channels}
        failing = {name: each for name, each in after.failing.items() if name in names}
        await self._save(replace(after, failing=failing))
        practice = settings.practice
        for message in due(after, channels, practice.notices, practice.timezone, now):
            if self._may_try(message.channel):
                await self._tell(message, settings)

    async def _read(self) -> NoticeBook:
        if self._book is None:
            kept = await self.ways.store.read()
            self._book = kept or NoticeBook(begun_at=self._awake_from)
        return self._book

    async def _save(self, book: NoticeBook) -> None:
        if book == self._book and not self._unsaved:
            return
        self._book, self._unsaved = book, True
        try:
            await self.ways.store.save(book)
            self._unsaved = False
        except Overtaken:  # whoever tells now knows what was told: this is not to be told twice
            self._book = None
            raise
        except CompanionError as error:
            log.warning("what was told could not be saved: %s", type(error).__name__)

    # ── one message ───────────────────────────────────────────────────────────────────────────

    async def _tell(self, message: Message, settings: Settings) -> None:
        book = await self._read()
        wording = await self._wording(settings)
        await self._save(begun(book, message))
        handing = asyncio.ensure_future(self._send(message, settings, wording))
        try:
            await asyncio.shield(handing)
        except asyncio.CancelledError:  # the app ends: what is nearly done is waited for
            await asyncio.wait([handing], timeout=LAST_MOMENT)
            if handing.done() and not handing.cancelled() and handing.exception() is None:
                await self._taken(message, settings, wording)
            raise
        except CompanionError as error:
            await self._not_taken(message, error)
        else:
            await self._taken(message, settings, wording)

    async def _send(self, message: Message, settings: Settings, wording: NoticeWording) -> None:
        now, ways = self.clock.now(), self.ways
        match message.channel.way:
            case Way.DESKTOP:
                await NOTICES.run(ways.desktop.show, *wording.desktop(message))
            case Way.MAIL:
                await self._mail(settings.practice.notices, wording.mail(message, now))
            case Way.WEBHOOK:
                await self._post(wording.webhook(message, now), message.id)

    async def _mail(self, choices: NoticeChoices, mail: Mail) -> None:
        server = choices.server
        password = await self.secrets.get(PASSWORD) if server.login else ""
        if password is None:
            raise NoticeNotSent(
                "The mail server's password is not known.",
                "Give it on the page Practice, or: python run.py notices --password",
            )
        await NOTICES.run(self.ways.mail.send, server, password, mail)

    async def _post(self, body: bytes, identity: str) -> None:
        address, key = await self.secrets.get(WEBHOOK), await self.secrets.get(WEBHOOK_KEY)
        if not address or not key:
            raise NoticeNotSent(
                "The webhook's address is not known.", "Give it anew, on the page Practice."
            )
        at = self.clock.now()
        await NOTICES.run(self.ways.webhook.post, address, key, body, delivery=identity, at=at)

    async def _taken(self, message: Message, settings: Settings, wording: NoticeWording) -> None:
        now, channel = self.clock.now(), message.channel
        today = now.astimezone(ZoneInfo(settings.practice.timezone)).date()
        book = sent(await self._read(), message, today)
        over = {channel.name, channel.way}
        failing = {name: each for name, each in book.failing.items() if name not in over}
        for name in over:
            self._tries.pop(name, None)
        await self._save(replace(book, failing=failing))
        to = hearers(channel, settings)
        place = {
            Way.DESKTOP: "Shown on this computer",
            Way.MAIL: f"E-mail to {to}",
            Way.WEBHOOK: "Webhook called",
        }[channel.way]
        title = wording.title(message)
        await self._note(f"{place}: {title.removeprefix(f'{to}: ') if to else title}")

    async def _not_taken(self, message: Message, error: CompanionError) -> None:
        now, channel = self.clock.now(), message.channel
        book = await self._read()
        if not (isinstance(error, NoticeNotSent) and error.unconfirmed):
            book = refused(book, message)
        alone = isinstance(error, NoticeNotSent) and error.address_only
        name = channel.name if alone else channel.way.value
        before = book.failing.get(name)
        failing = Failing(
            since=before.since if before else now, what=error.what, remedy=error.unattended
        )
        count = self._tries.get(name, (0, 0.0))[0] + 1
        pause = min(LONGEST_PAUSE, 30.0 * 2.0 ** min(count, 10)) * self.chance.uniform(0.8, 1.0)
        self._tries[name] = count, self.clock.monotonic() + pause
        log.warning("a notice was not sent: %s", type(error).__name__)
        await self._save(replace(book, failing={**book.failing, name: failing}))

    def _may_try(self, channel: Channel) -> bool:
        moment = self.clock.monotonic()
        return all(
            moment >= self._tries.get(name, (0, 0.0))[1] for name in (channel.name, channel.way)
        )

    async def _wording(self, settings: Settings) -> NoticeWording:
        practice = settings.practice
        place = MessageOrigin(
            practice=practice.name, computer=self.ways.computer, timezone=practice.timezone
        )
        return NoticeWording(names=await self.names.current(), place=place)

    async def _note(self, text: str) -> None:
        try:
            await note(self.activity, self.clock, ActivityKind.TOLD, text, cause="notices")
        except CompanionError as error:  # it has been told; the list is secondary
            log.warning("a notice is not in the activity list: %s", type(error).__name__)

    # ── for the page and the command ──────────────────────────────────────────────────────────

    @allows(Action.PRACTICE)
    async def standing(self) -> NoticesStanding:
        book = self._book or await self.ways.store.read()
        failing: dict[Way, Failing] = {}
        for name, each in (book.failing if book else {}).items():
            failing.setdefault(Way(name.partition(" ")[0]), each)
        open_now = tuple(
            each.trouble
            for each in (book.episodes if book else ())
            if each.begun and each.over_at is None
        )
        kept = PASSWORD in await self.secrets.names()
        return NoticesStanding(password=kept, failing=failing, troubles=open_now)

    @allows(Action.PRACTICE)
    async def lately(self, limit: int = 10) -> list[Activity]:
        """What was told, newest first."""
        return await self.activity.recent(limit, kind=ActivityKind.TOLD)

    @allows(Action.PRACTICE)
    async def set_password(self, password: str) -> None:
        """Of the mail server; empty to forget it. Raises BadInput, SecretsError."""
        words = password.strip().split()
        if [len(each) for each in words] == [4, 4, 4, 4]:  # an app password, as it is shown
            password = "".join(words)
        password = password.strip("\r\n")
        if len(password) > 1_000 or not password.isprintable():
            raise BadInput("This cannot be a password.", "Type it again.", field="password")
        if password:
            await self.secrets.put(PASSWORD, password)
        else:
            await self.secrets.remove(PASSWORD)
        self._tries.clear()
        self._woken.set()

    @allows(Action.PRACTICE)
    async def set_webhook(self, typed: str) -> str:
        """The new secret that signs, to hand over once; empty where `typed` is: then there is no
        webhook any more. Raises BadInput, SecretsError."""
        if not typed.strip():
            await self._set_host("")
            for name in (WEBHOOK, WEBHOOK_KEY):
                await self.secrets.remove(name)
            return ""
        address, host = checked_webhook(typed)
        key = randomness.token_urlsafe(32)
        await self.secrets.put(WEBHOOK_KEY, key)
        await self.secrets.put(WEBHOOK, address)
        await self._set_host(host)
        return key

    async def _set_host(self, host: str) -> None:
        def edit(settings: Settings) -> Settings:
            practice = settings.practice
            notices = replace(practice.notices, webhook=host)
            return replace(settings, practice=replace(practice, notices=notices))

        await self.settings.change(edit)

    @allows(Action.PRACTICE)
    async def test(self, way: Way) -> str:
        """Send a test now, whether or not the way is switched on; what to look for. Raises
        NoticeNotSent, BadInput."""
        settings, now = self.settings.read(), self.clock.now()
        choices = settings.practice.notices
        if way is Way.DESKTOP:
            await NOTICES.run(self.ways.desktop.show, NAME, "A test: notices look like this.")
            return "It was handed to this computer's desktop. Look whether it was shown."
        if way is Way.WEBHOOK:
            if not choices.webhook:
                raise BadInput("There is no webhook yet.", "Give its address.", field="webhook")
            body = webhook_body(
                {
                    "id": f"test-{randomness.token_hex(8)}",
                    "event": "test",
                    "at": now.isoformat(timespec="seconds"),
                    "computer": self.ways.computer,
                }
            )
            await self._post(body, f"test-{now.timestamp():.0f}")
            return f"{choices.webhook} took the test."
        complete(replace(choices, mail=True), PREFIX)
        for address in choices.administrators:
            await self._mail(choices, self._test_mail(address, settings, now))
        to = ", ".join(choices.administrators)
        return f"{choices.server.host} took the test for {to}. Look whether it arrives."

    def _test_mail(self, address: str, settings: Settings, now: datetime) -> Mail:
        practice = settings.practice.name
        return Mail(
            to=address,
            subject=f"{NAME}: test",
            text="This is a test. Messages about troubles will come from this address, one when "
            f"something needs you and one when it is over.\n\n-- \nSent by {NAME}"
            f"{f' of {practice}' if practice else ''} on {self.ways.computer}.\n",
            id=randomness.token_hex(16),
            at=now,
        )
