"""The composition root: each real part is named once, here.

Commands and the app open a home alike and differ only in what they call of the `Application`.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import companion
from companion.adapters.backup import SealedArchive
from companion.adapters.clock import SystemClock
from companion.adapters.disks import on_another_disk
from companion.adapters.feed_files import FeedFiles
from companion.adapters.google.service import GoogleGateway
from companion.adapters.home_rights import home_rights
from companion.adapters.icalendar import IcalendarWriter
from companion.adapters.logs import FILE_NAME, log_to
from companion.adapters.network.interfaces import MachineNetwork, noted_listener
from companion.adapters.own_layouts import OwnLayouts
from companion.adapters.passwords import Argon2Passwords
from companion.adapters.probes import MachineProbes
from companion.adapters.sessions import SessionFile
from companion.adapters.smtp import SmtpPost
from companion.adapters.sources.calendar_link import CalendarLink
from companion.adapters.sources.cliniko import ClinikoSource
from companion.adapters.sources.database.source import DatabaseSource
from companion.adapters.sources.fhir.source import FhirSource
from companion.adapters.sources.nookal import NookalSource
from companion.adapters.tabular.files import WorkbookFiles
from companion.adapters.webhook import HttpWebhook
from companion.assets import static_dir
from companion.desktop.notices import notices_of_this_desktop
from companion.desktop.this_desktop import ThisDesktop
from companion.domain.errors import StoreError
from companion.environment import Environment, usual_home
from companion.instance import Instance
from companion.restoring import finish_restore, restoring_of
from companion.services.assembly import Application, build
from companion.services.changes import Changes
from companion.services.files import make_folder
from companion.services.home_ports import Ports
from companion.services.maintenance.all_backups import BackupPorts
from companion.services.maintenance.restore_here import RestoreApart
from companion.services.notices.ways import NoticeWays
from companion.services.sources.remote import by_name
from companion.storage.opening import is_new, open_storage


@asynccontextmanager
async def open_ports(
    environment: Environment,
    *,
    holder: str,
    listener: tuple[str, int] | None = None,
    restore_apart: RestoreApart | None = None,
) -> AsyncIterator[Ports]:
    """The real parts of one home, closed at the end. `holder` names this process, for others that
    have to wait; `listener` is the host and port for phones, None for where the app last had it;
    `restore_apart` as of `BackupPorts`.
    Raises CompanionError when something cannot be opened."""
    home = environment.home
    async with AsyncExitStack() as stack:
        make_folder(home)
        rights = home_rights()
        if is_new(environment):
            with suppress(StoreError):  # the doctor says so
                rights.prepare(home)
        finish_restore(home)
        stack.enter_context(log_to(home))
        clock = SystemClock(environment.now)
        changes = Changes()
        storage = await open_storage(
            environment, stack, holder=holder, clock=clock, changes=changes
        )
        install_id = storage.settings.read().install_id
        api = environment.google_api
        google = GoogleGateway(
            secrets=storage.secrets, clock=clock, install_id=install_id, api_root=api
        )
        stack.callback(google.close)
        yield Ports(
            home=home,
            clock=clock,
            changes=changes,
            settings=storage.settings,
            stores=storage.stores,
            secrets=storage.secrets,
            google=google,
            workbooks=WorkbookFiles(now=clock.now),
            own_layouts=OwnLayouts(home / "layouts").read,
            feed_writer=IcalendarWriter(install_id),
            feed_files=FeedFiles(home / "feeds"),
            remotes=by_name(
                CalendarLink(),
                ClinikoSource(environment.cliniko_api),
                DatabaseSource(),
                FhirSource(),
                NookalSource(),
            ),
            source_notes=storage.source_notes,
            sync_locks=storage.sync_locks,
            passwords=Argon2Passwords(),
            sessions=SessionFile(home),
            network=MachineNetwork(),
            probes=MachineProbes(google_api=api),
            home_rights=rights,
            backups=BackupPorts(
                sealing=SealedArchive(),
                notes=storage.backup_notes,
                another_disk=on_another_disk,
                restoring=restoring_of(environment),
                apart=restore_apart,
            ),
            desktop=ThisDesktop(home.resolve(), static_dir(), home == usual_home()),
            notices=NoticeWays(
                store=storage.notices,
                desktop=notices_of_this_desktop(static_dir()),
                mail=SmtpPost(),
                webhook=HttpWebhook(),
                computer=socket.gethostname(),
            ),
            version=companion.__version__,
            log_name=FILE_NAME,
            listener=listener or noted_listener(home),
            secrets_key=environment.secrets_key,
            rehearsing=clock.rehearsing,
            recovered=storage.recovered,
            app_runs=Instance(home).runs,
            lease=storage.lease,
            shared_pace=storage.shared_pace,
            messages=storage.messages,
            practice=storage.practice,
            server=storage.server,
        )


@asynccontextmanager
async def open_companion(
    environment: Environment,
    *,
    holder: str,
    listener: tuple[str, int] | None = None,
    restore_apart: RestoreApart | None = None,
) -> AsyncIterator[Application]:
    """As `open_ports`, with the services over them."""
    async with open_ports(
        environment, holder=holder, listener=listener, restore_apart=restore_apart
    ) as ports:
        application = build(ports)
        try:
            yield application
        finally:
            await application.feeds.close()
