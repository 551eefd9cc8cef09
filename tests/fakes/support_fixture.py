"""A home full of planted secrets and people, none of whom may be in a support bundle."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from companion.domain.appointments import Appointment, Practitioner
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.domain.settings import (
    GoogleLink,
    PracticeSettings,
    PractitionerSettings,
    Settings,
    SourceSettings,
    SyncChoices,
)
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.maintenance.doctor import Diagnosis
from companion.services.maintenance.findings import Finding
from companion.services.maintenance.support import Support
from companion.services.ports import (
    Activity,
    ActivityKind,
    BookChange,
    CalendarRef,
    FeedDetail,
    FeedLink,
    ImportRecord,
)
from tests.fakes.appointments import appointment
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryFeeds, MemoryLedger

REFRESH = "1//0gKp3Zf8vQ-secretRefreshPart_77aa"
ACCESS = "ya29.a0AfB_byDk2-accessTokenPart"
CLIENT_SECRET = "GOCSPX-h4Rk_planted-client-secret"
FEED = "Zk3nQ9-vR1tYw7Lx_Bs5Jd8Gf2Hc6Mp4Ta0Ue1Oi3Ko"
PASSPHRASE = "wombat teapot granite nineteen"
BACKUP_KEY = "Larder-Umbrella-42"
SECRETS = (REFRESH, ACCESS, CLIENT_SECRET, FEED, PASSPHRASE, BACKUP_KEY)
NAMES = ("Mirabel", "Featherstone", "Zoë", "O'Brannigan-Nguyễn", "王小明", "Price", "Xanthippe")
"""Price is also a word of the program's own."""
PEOPLE = ("Wilhelmina Quartermain", "wilhelmina", "wilma@clinic.example", "Banksia Allied")
OTHERS = ("cal-planted-9931@group.calendar", "Room Kookaburra", "knee pain since winter", "C-4711")


def forms(secret: str) -> Iterator[bytes]:
    """As it may turn up: in clear, base64 at each alignment, hex, URL-encoded, reversed case."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"." * shift + raw)
            first = -(-shift * 4 // 3) + 1
            yield encoded[first : len(encoded) - 4].rstrip(b"=")
    yield secret.swapcase().encode()


def planted() -> list[str]:
    """Lines as a careless log call might have written them."""
    every = [*SECRETS, *NAMES, *PEOPLE, *OTHERS]
    lines = []
    for number, word in enumerate(every):
        raw = word.encode()
        lines += [
            f"2026-03-02 09:00:00,123 WARNING companion.services: failed for {shown}"
            for shown in (
                word,
                word.upper(),
                repr(word),
                base64.b64encode(raw).decode(),
                base64.urlsafe_b64encode(raw).decode(),
                raw.hex(),
                quote(word),
                f"https://host/feeds/{word}.ics?token={word}",
                f'{{"name":"{word}","n":{number}}}',
                f"{word}_{word}",
            )
        ]
    return lines


class Fixture:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = FakeClock()
        self.settings = FakeSettings(self._settings())
        self.book, self.ledger = MemoryBook(), MemoryLedger()
        self.feeds, self.activity = MemoryFeeds(), MemoryActivity()
        self.secrets = FakeSecrets()

    @staticmethod
    def _settings() -> Settings:
        link = GoogleLink(
            login=PEOPLE[2],
            account=PEOPLE[2],
            calendar_id=OTHERS[0],
            calendar_name=f"Appointments – {PEOPLE[0]}",
            scopes=("openid", f"https://evil.example/{ACCESS}"),
        )
        record = PractitionerSettings(
            practitioner=Practitioner(
                id=PEOPLE[1], name=PEOPLE[0], email=PEOPLE[2], aliases=("Willa Q",)
            ),
            google=link,
            choices=SyncChoices(enabled=True, days_in_advance=45),
        )
        settings = Settings(
            install_id="0123456789abcdef", practice=PracticeSettings(name=PEOPLE[3])
        )
        source = SourceSettings(name="bp", mapping=f'x = "{NAMES[0]}"', folder=f"/srv/{NAMES[1]}")
        return settings.with_practitioner(record).with_source(source)

    async def plant(self) -> None:
        await self.secrets.put("google/client", json.dumps({"installed": {"s": CLIENT_SECRET}}))
        token = json.dumps({"refresh_token": REFRESH, "access_token": ACCESS})
        await self.secrets.put(f"google/token/{PEOPLE[1]}", token)
        await self.secrets.put("feed/f1", FEED)
        record = ImportRecord(
            source=f"bp {NAMES[0]}",
            at=self.clock.now(),
            file_name=f"{NAMES[1]}.csv",
            added=3,
            changed=0,
            removed=0,
            unchanged=0,
            rejected=1,
        )
        change = BookChange(put=list(appointments()), imported=record)
        await self.book.apply(change, self.clock.now())
        await self.ledger.write(
            CalendarRef(practitioner_id=PEOPLE[1], calendar_id=OTHERS[0]), put=[ledger_entry()]
        )
        trouble = SyncTrouble(
            kind="WrongAccount",
            what=f"{PEOPLE[2]} signed in",
            remedy=NAMES[0],
            since=self.clock.now(),
        )
        state = SyncState(trouble=trouble, shared_calendar=REFRESH)
        await self.ledger.edit_state(PEOPLE[1], lambda _: state)
        await self.feeds.put(feed_link())
        for line in planted():
            await self.activity.add([activity(line, self.clock.now())])
        (self.home / "companion.log").write_text("\n".join(planted()), encoding="utf-8")
        (self.home / "companion.log.1").write_text(
            "\n".join(planted()), encoding="latin-1", errors="replace"
        )
        (self.home / f"companion.log.{NAMES[0]}").write_text("odd", encoding="utf-8")

    def support(self) -> Support:
        return Support(
            settings=self.settings,
            book=self.book,
            ledger=self.ledger,
            feeds=self.feeds,
            activity=self.activity,
            secrets=self.secrets,
            versions=lambda: {"Python": "3.11.9"},
            clock=self.clock,
            home=self.home,
            program="1.2.3",
            log_name="companion.log",
            passphrases=(PASSPHRASE, BACKUP_KEY),
        )


def appointments() -> Iterator[Appointment]:
    for number, name in enumerate(NAMES):
        yield appointment(
            id=f"a{number}",
            practitioner_id=PEOPLE[1],
            title=f"Visit of {name}",
            client_id=OTHERS[3],
            client_first_name=name,
            client_last_name=NAMES[1],
            location=OTHERS[1],
            notes=OTHERS[2],
        )


def ledger_entry() -> LedgerEntry:
    now = datetime(2026, 3, 3, tzinfo=UTC)
    return LedgerEntry(
        key=f"{NAMES[0]} 1",
        event_id="e1",
        generation=0,
        state=LedgerEntryState.OK,
        fingerprint=REFRESH,
        style="",
        begins=now,
        ends=now,
    )


def feed_link() -> FeedLink:
    return FeedLink(
        id="f1",
        practitioner_id=PEOPLE[1],
        label=f"{PEOPLE[0]}'s phone",
        detail=FeedDetail.INITIALS,
        token_hash=b"h" * 32,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        days_in_arrears=7,
        days_in_advance=60,
        last_client=NAMES[0],
    )


def activity(text: str, at: datetime) -> Activity:
    return Activity(
        at=at, practitioner_id=PEOPLE[1], cause=NAMES[0], kind=ActivityKind.ERROR, text=text
    )


def diagnosis(at: datetime) -> Diagnosis:
    words = " ".join((*SECRETS, *NAMES, *PEOPLE, *OTHERS))
    return Diagnosis(
        at=at,
        program="1.2.3",
        findings=(
            Finding(
                id=f"sign-in:{PEOPLE[1]}",
                state="fail",
                title=f"Sign-in of {PEOPLE[0]}",
                what=f"Google no longer accepts this practitioner's sign-in. {words}",
                remedy=words,
                subject=PEOPLE[1],
            ),
        ),
    )


def members(bundle: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name).decode() for name in opened.namelist()}


def found_in(bundle: bytes) -> list[str]:
    """What was planted and is there, in the zip as it is or in any part."""
    parts = members(bundle)
    content = [bundle, *(f"{name}\n{text}".encode() for name, text in parts.items())]
    bad = []
    for secret in SECRETS:
        for form in forms(secret):
            assert len(form) >= 8
            bad += [secret for each in content if form in each]
    for name in (*NAMES, *PEOPLE, *OTHERS):
        for spelt in (name, name.upper(), name.casefold()):
            bad += [name for each in content[1:] if spelt.encode() in each and spelt != "price"]
    bad += ["price" for text in parts.values() if " price" in text.casefold()]
    return bad
