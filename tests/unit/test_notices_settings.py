"""Settings of notices: what can be chosen, what is refused, and the test of each way."""

from __future__ import annotations

import pytest

from companion.domain.errors import BadInput
from companion.domain.notice_choices import NoticeChoices
from companion.services.notices.notices import PASSWORD
from companion.services.notices.telling import Way
from tests.fakes.services import fake_application, the_sample
from tests.fakes.told_practice import OFFICE, practice


async def test_a_test_goes_in_each_way_whether_it_is_on_or_not() -> None:
    application = await practice(mail=False, desktop=False)
    notices = application.services.notices
    for _ in range(2):
        assert "desktop" in await notices.test(Way.DESKTOP)
        assert OFFICE in await notices.test(Way.MAIL)
    assert [title for title, _ in application.ways.desktop.shown] == ["Calendar Companion"] * 2
    assert application.ways.mail.to(OFFICE) == ["test", "test"]
    with pytest.raises(BadInput, match="no webhook yet"):
        await notices.test(Way.WEBHOOK)
    await notices.set_webhook("https://hooks.clinic.example/private")
    assert await notices.test(Way.WEBHOOK) == "hooks.clinic.example took the test."
    assert application.ways.webhook.calls[0]["event"] == "test"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"notice_mail": "true"}, "notice_mail_server"),
        ({"notice_mail": "true", "notice_mail_server": "m.example"}, "notice_mail_from"),
        (
            {
                "notice_mail": "true",
                "notice_mail_server": "m.example",
                "notice_mail_from": "a@b.example",
            },
            "notice_administrators",
        ),
        ({"notice_administrators": "office"}, "notice_administrators"),
        ({"notice_administrators": "bürO@clinic.example"}, "notice_administrators"),
        ({"notice_mail_port": "0"}, "notice_mail_port"),
        ({"notice_mail_security": "none"}, "notice_mail_security"),
        ({"notice_quiet": "24:00-07:00"}, "notice_quiet"),
        ({"notice_quiet": "07:00-07:00"}, "notice_quiet"),
        ({"notice_behind_hours": "nan"}, "notice_behind_hours"),
    ],
)
async def test_a_choice_that_could_not_work_is_named(values: dict[str, str], field: str) -> None:
    application = fake_application(the_sample())
    with pytest.raises(BadInput) as refused:
        await application.services.practitioners.set_practice(values)
    assert refused.value.field == field
    assert application.settings.read().practice.notices == NoticeChoices()


async def test_what_is_shown_can_be_set_again() -> None:
    application = await practice()
    practitioners = application.services.practitioners
    before = application.settings.read()
    values = practitioners.practice_values()
    assert values["notice_administrators"] == OFFICE
    assert values["notice_quiet"] == "none"
    await practitioners.set_practice(values)
    assert application.settings.read() == before
    await practitioners.set_practice(
        {"notice_administrators": "B@x.example; a@x.example, b@X.example"}
    )
    assert practitioners.practice_values()["notice_administrators"] == "a@x.example,b@X.example"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("abcd efgh ijkl mnop", "abcdefghijklmnop"), ("two words é", "two words é"), ("", None)],
)
async def test_a_password_is_kept_as_it_was_meant(typed: str, kept: str | None) -> None:
    application = await practice()
    await application.services.notices.set_password(typed)
    assert application.secrets.kept.get(PASSWORD) == kept
    assert (await application.services.notices.standing()).password is bool(kept)


async def test_a_webhook_that_is_removed_leaves_nothing_behind() -> None:
    application = await practice()
    notices, before = application.services.notices, dict(application.secrets.kept)
    key = await notices.set_webhook("https://hooks.clinic.example/private")
    assert len(key) >= 32
    assert application.settings.read().practice.notices.webhook == "hooks.clinic.example"
    assert await notices.set_webhook("") == ""
    assert application.secrets.kept == before
    assert application.settings.read().practice.notices.webhook == ""
