"""Users: who may sign in, in which role; passwords are set anew here, never shown again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from companion.domain.users import Role, User
from companion.services.access.policy import POLICY, Action, Reach
from companion.services.access.rules import Rule
from companion.web.ui.components.dialogs import dialog, question
from companion.web.ui.components.fields import errors_at
from companion.web.ui.error_reports import notify_done
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.static_html import table
from companion.web.ui.theme import (
    badge,
    box,
    button,
    card,
    frame,
    notice,
    page_head,
    scrolling,
    text,
)

ROLES = {
    Role.ADMINISTRATOR: "Administrator",
    Role.RECEPTION: "Reception",
    Role.PRACTITIONER: "Practitioner",
}
_REACH = {Reach.ALL: "Yes", Reach.OWN: "Own", Reach.NONE: "No"}


def create(site: Site) -> None:
    @page(site, "/users", Rule(Action.USERS))
    async def users() -> None:
        with frame(site, "Users", active="/users"):
            actions, _ = page_head("Users", "Who may sign in.")
            users_page = _Users(site)
            with actions:
                button("Add user", users_page.add, icon="person_add", look="primary")
            _table_of_rights()


class _Users:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._accounts = site.services.accounts
        with card():
            self._list = box("lines lines--first users", tag="ul")
        self._draw()

    def _draw(self) -> None:
        self._list.clear()
        people = self._site.services.settings.read().practitioners
        me = self._site.who()
        with self._list:
            for user in self._accounts.users():
                whose = people.get(user.practitioner_id)
                role = ROLES[user.role] + (f" ({whose.practitioner.name})" if whose else "")
                count = self._accounts.open_sessions(user.id)
                with box("lines__line", tag="li"):
                    with box("lines__words"):
                        text(user.name, "strong", tag="h2")
                        text("Signed in now" if count else "Not signed in", "soft small")
                    with box("actions lines__badges"):
                        badge(role, "info" if user.role is Role.ADMINISTRATOR else "calm")
                        if user.id == me.id:
                            badge("You", "ok")
                        if user.must_change:
                            badge("Has to choose a password", "warn")
                    with box("actions users__buttons"):
                        self._button("Change", user, self._change, "edit")
                        self._button("New password", user, self._reset, "key")
                        if count:
                            out = "Sign out everywhere"
                            made = self._button(out, user, self._out, "logout", bare=True)
                            made.classes("users__out")
                        if user.id != me.id:
                            made = self._button(
                                "Remove", user, self._remove, "person_remove", bare=True
                            )
                            made.classes("users__remove")

    def _button(
        self,
        label: str,
        user: User,
        act: Callable[[User], object],
        icon: str,
        *,
        bare: bool = False,
    ) -> ui.button:
        """`bare`: without its words where a pointer can ask for them."""
        pressed = button(label, partial(act, user), icon=icon, look="plain")
        pressed.props["aria-label"] = f"{label}, {user.name}"
        if bare:
            pressed.classes("users__bare").props["title"] = label
        return pressed

    # ── what can be done ──────────────────────────────────────────────────────────────────────

    def add(self) -> None:
        with dialog("Add user") as opened:
            name, role, whose = self._fields(None)

            async def go() -> None:
                with errors_at({"name": name, "practitioner_id": whose}):
                    user, password = await self._accounts.add(
                        str(name.value or ""),
                        role.value,
                        practitioner_id=str(whose.value or ""),
                    )
                    opened.close()
                    self._draw()
                    self._hand_over(user.name, password)

            with box("actions"):
                button("Add", go, look="primary")
                button("Cancel", opened.close, look="plain")

    def _change(self, user: User) -> None:
        with dialog(f"Change {user.name}") as opened:
            name, role, whose = self._fields(user)

            async def go() -> None:
                with errors_at({"name": name, "role": role, "practitioner_id": whose}):
                    await self._accounts.edit(
                        user.id,
                        name=str(name.value or ""),
                        role=role.value,
                        practitioner_id=str(whose.value or ""),
                    )
                    opened.close()
                    self._draw()
                    notify_done("Saved.")

            with box("actions"):
                button("Save", go, look="primary")
                button("Cancel", opened.close, look="plain")

    def _fields(self, user: User | None) -> tuple[ui.input, ui.select, ui.select]:
        known = self._site.services.settings.read().names()
        belongs = user.practitioner_id if user and user.practitioner_id in known else None
        name = ui.input("Name", value=user.name if user else "")
        name.classes("field").props('outlined maxlength=200 hint="Typed to sign in"')
        role = ui.select(ROLES, label="Role", value=user.role if user else Role.RECEPTION)
        role.classes("field").props("outlined")
        whose = ui.select(known, label="Whose calendar", value=belongs, with_input=True)
        whose.classes("field").props("outlined options-dense")
        whose.bind_visibility_from(role, "value", value=Role.PRACTITIONER)
        return name, role, whose

    async def _reset(self, user: User) -> None:
        with dialog(f"A new password for {user.name}?") as opened:
            text(
                "The present one stops working and everything they have open is signed out. "
                "You get a password to hand over; they choose their own when they sign in."
            )

            async def go() -> None:
                password = await self._accounts.reset_password(user.id)
                opened.close()
                self._draw()
                self._hand_over(user.name, password)

            with box("actions"):
                button("Make a new password", go, look="primary")
                button("Cancel", opened.close, look="plain")

    def _hand_over(self, name: str, password: str) -> None:
        with dialog(f"Password for {name}") as opened:
            text("Hand it over on paper or by word. It is not shown again.")
            text(password, "address").props("dir=ltr")
            text("At the first sign-in another one is asked for.", "soft small")

            def copy() -> None:
                ui.clipboard.write(password)
                notify_done("Copied. Paste it where only they see it.")

            with box("actions"):
                button("Done", opened.close, look="primary")
                button("Copy", copy, icon="content_copy")

    async def _out(self, user: User) -> None:
        await self._accounts.sign_out_everywhere(user.id)
        self._draw()
        notify_done(f"{user.name} is signed out everywhere.")

    def _remove(self, user: User) -> None:
        async def go() -> None:
            await self._accounts.remove(user.id)
            self._draw()
            notify_done(f"{user.name} was removed.")

        with question(f"Remove {user.name}?", "Remove", go, no="Keep"):
            text("They can no longer sign in. Calendars and appointments stay as they are.")


def _table_of_rights() -> None:
    with card("What each role may do"):
        with notice("calm"):
            text("“Own” means the calendar, phone and book of the practitioner they belong to.")
        with scrolling("Rights by role"):
            table(
                ("Action", *ROLES.values()),
                (
                    (
                        action.value[0].upper() + action.value[1:],
                        *(_REACH[POLICY[role].get(action, Reach.NONE)] for role in Role),
                    )
                    for action in Action
                ),
            )
