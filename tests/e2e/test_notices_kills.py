"""Notices to a real mail server, by processes that are killed while it takes a message: everybody
hears of everything, and of a trouble at most twice."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from companion.domain.notice_choices import MailSecurity
from tests.fakes import warm
from tests.fakes.certificates import write_certificate
from tests.fakes.mail_server import mail_server

KILLS = 2
TELL = """
import asyncio, ssl, sys
from dataclasses import replace
from pathlib import Path
from companion.adapters.notice_book import NoticeFile
from companion.adapters.smtp import SmtpPost
from companion.domain.notice_choices import MailServer, NoticeChoices
from companion.services.notices.notices import PASSWORD
from tests.fakes.mail_server import PASSWORD as SECRET, USER
from tests.fakes.services import lived_in

async def main(home, port, certificate):
    application = await lived_in()
    notices = application.services.notices
    trust = lambda: ssl.create_default_context(cafile=certificate)
    notices.ways = replace(
        application.ways.ways(), store=NoticeFile(Path(home)), mail=SmtpPost(trust=trust)
    )
    choices = NoticeChoices(
        mail=True, desktop=False, quiet_from=None, quiet_to=None,
        server=MailServer(host="127.0.0.1", port=int(port), login=USER, sender=USER),
        administrators=("it@clinic.example",), reception=("desk@clinic.example",),
    )
    await application.settings.change(
        lambda all: replace(all, practice=replace(all.practice, notices=choices))
    )
    await application.secrets.put(PASSWORD, SECRET)
    application.clock.shift(5)
    notices._awake_from = application.clock.now()  # the link that there is is no news
    for _ in range(3):
        application.clock.shift(300)
        await notices.look()
    print("told", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_kill_while_a_message_is_taken_repeats_it_once_at_most(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path)
    with mail_server(certificate, MailSecurity.STARTTLS) as server:
        child: warm.Process | None = None

        def kill() -> None:
            if len(server.taken) <= KILLS:
                assert child is not None
                child.kill()

        server.on_taken = kill
        said = ""
        for _ in range(KILLS + 1):
            child = warm.start(
                "-c", TELL, str(tmp_path), str(server.port), str(certificate[0]), errors=True
            )
            said, errors = child.communicate(timeout=60)
            assert "Traceback" not in (errors or "")
            if "told" in said:
                break
        assert "told" in said
    heard = Counter((each["To"], each["Message-ID"]) for each in server.taken)
    assert set(heard.values()) == {1, 2}
    assert sum(heard.values()) - len(heard) <= KILLS, "no other repetitions"
    subjects = {each["Subject"].partition(": ")[2] for each in server.taken}
    assert any("sign-in" in each for each in subjects)
    assert any("removals wait" in each for each in subjects)
