"""What the services need from outside, as Protocols; adapters and test fakes implement them.

All methods that may touch a disk or a network are coroutines: an adapter runs blocking work in
threads, so that the event loop never waits. Times are aware UTC unless said otherwise. Every
error raised is a CompanionError.

One module for each subject; the names are imported from here.
"""

from companion.services.ports.book import (
    UNDO_IMPORTS,
    UNDO_ROWS,
    AppointmentBook,
    BookChange,
    ChangeSign,
    ImportMemory,
    ImportRecord,
    KnownName,
    Replaced,
    SourceRow,
    Undoing,
)
from companion.services.ports.feeds import (
    INTERVALS_KEPT,
    FeedDetail,
    FeedLink,
    FeedStore,
    Fetch,
    NetworkPlace,
)
from companion.services.ports.google import (
    Assumption,
    CalendarInfo,
    ClientFile,
    DeleteEvent,
    Google,
    InsertEvent,
    MarkedCalendar,
    MarkedEvent,
    PatchEvent,
    RemoteCalendar,
    SignedIn,
    SignInRequest,
    Write,
    WriteAnswer,
)
from companion.services.ports.ledger import (
    Activity,
    ActivityKind,
    ActivityLog,
    CalendarRef,
    Ledger,
    calendar_of,
)
from companion.services.ports.practice import (
    AlwaysHeld,
    DatabaseServer,
    Lease,
    Messages,
    Refill,
    Reserved,
    ServerFacts,
    SharedPace,
    Spending,
    Workstation,
    WorkstationRegistry,
)
from companion.services.ports.settings import Clock, SecretStore, SettingsStore
from companion.services.ports.stores import Stores
from companion.services.ports.texts import KeptText
