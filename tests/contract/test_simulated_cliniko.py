"""The simulated Cliniko is as strict as Cliniko's documents, or stricter."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from companion.sandbox.cliniko.account import BLOCK, GROUP, INDIVIDUAL
from companion.sandbox.cliniko.sample import sample_account
from companion.sandbox.cliniko.service import KEY, ClinikoService
from companion.sandbox.sample import sample_practice
from companion.sandbox.sockets import serving_simulator
from tests.fakes.cliniko import START, Clinic

AGENT = "Calendar Companion (desk@banksia.example)"
Json = dict[str, Any]


@pytest.fixture
def web(there: Clinic) -> Iterator[httpx.Client]:
    headers = {"user-agent": AGENT, "accept": "application/json", "authorization": basic(KEY)}
    with httpx.Client(base_url=f"{there.base_url}/v1", headers=headers) as client:
        yield client


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def ids(answer: httpx.Response, table: str = "bookings") -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()[table]]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"user-agent": "python"}, 403),
        ({"user-agent": "Calendar Companion ()"}, 403),
        ({"user-agent": "(desk@banksia.example)"}, 403),
        ({"accept": "text/html"}, 406),
        ({"authorization": ""}, 401),
        ({"authorization": basic("another-au1")}, 401),
        ({"authorization": basic(KEY.replace("-au1", "-uk1"))}, 401),
        ({"authorization": basic(KEY.removesuffix("-au1"))}, 200),
        ({}, 200),
    ],
)
def test_who_asks_must_say_so(web: httpx.Client, headers: dict[str, str], status: int) -> None:
    assert web.get("/bookings", headers=headers).status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "per_page=101", "per_page=0", "page=x", "updated_since=2026-12-01", "order=desc",
        "q[]=colour:=1", "q[]=starts_at:2026-12-01", "q[]=starts_at:>2026-12-01",
        "q[]=starts_at:>2026-12-01T00:00:00%2B11:00", "q[]=starts_at:=2026-12-01T00:00:00Z",
        "q[]=id:~1", "q[]=id:>1,2", "q[]=appointment_type_id:=1", "sort=notes", "sort=id:up",
    ],
)  # fmt: skip
def test_what_the_documents_do_not_name_is_refused(web: httpx.Client, query: str) -> None:
    answer = web.get(f"/bookings?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_pages_are_linked_until_the_last(there: Clinic, web: httpx.Client) -> None:
    numbers = [str(there.book(days=1 + each)) for each in range(5)]
    first = web.get("/bookings?per_page=2").json()
    assert first["total_entries"] == 5
    assert "previous" not in first["links"]
    second = web.get(first["links"]["next"]).json()
    third = web.get(second["links"]["next"]).json()
    assert "next" not in third["links"]
    pages = (first, second, third)
    assert [each["id"] for page in pages for each in page["bookings"]] == numbers


def test_filters_are_joined_and_moments_compare(there: Clinic, web: httpx.Client) -> None:
    early, late = there.book(days=1), there.book(days=9)
    query = "q[]=starts_at:>2026-12-05T00:00:00Z&q[]=starts_at:<2026-12-31T00:00:00Z"
    assert ids(web.get(f"/bookings?{query}")) == [str(late)]
    assert ids(web.get(f"/bookings?q[]=id:={early},{late}&sort=starts_at:desc")) == [
        str(late), str(early),
    ]  # fmt: skip
    there.after(hours=1)
    there.account.move(early, START + timedelta(days=3))
    assert ids(web.get("/bookings?q[]=updated_at:>2026-12-01T01:30:00Z")) == [str(early)]


def test_cancelled_and_archived_ones_show_only_when_asked_for(
    there: Clinic, web: httpx.Client
) -> None:
    stays, cancelled, deleted = (there.book(days=each) for each in (1, 2, 3))
    there.account.cancel(cancelled)
    there.account.delete(there.account.bookings, deleted)
    assert ids(web.get("/bookings")) == [str(stays)]
    assert ids(web.get("/bookings?q[]=cancelled_at:*")) == [str(stays), str(cancelled)]
    assert ids(web.get("/bookings?q[]=cancelled_at:?")) == [str(cancelled)]
    assert ids(web.get("/bookings?q[]=archived_at:*")) == [str(stays), str(deleted)]
    assert web.get("/individual_appointments/deleted").status_code == 404


def test_an_older_account_lists_what_was_deleted_apart(there: Clinic, web: httpx.Client) -> None:
    there.account.deletes_apart = True
    gone = there.book()
    there.account.delete(there.account.bookings, gone)
    assert ids(web.get("/bookings?q[]=archived_at:*")) == []
    table = "individual_appointments"
    assert ids(web.get(f"/{table}/deleted"), table) == [str(gone)]
    refused = web.get(f"/{table}/deleted?q[]=updated_at:>2026-12-01T00:00:00Z")
    assert refused.json() == {"message": "This column is not searchable."}


def test_the_three_kinds_of_bookings_tell_themselves_apart(
    there: Clinic, web: httpx.Client
) -> None:
    one, several = there.book(), there.group(there.mira)
    block = there.account.block(there.practitioner, START, business=there.place)
    kinds = {each["id"]: each for each in web.get("/bookings").json()["bookings"]}
    assert kinds[str(one)]["patient_name"] == "Mira Halloway"
    assert kinds[str(one)]["patient"]["links"]["self"].endswith(f"/v1/patients/{there.mira}")
    assert kinds[str(several)]["max_attendees"] == 8
    assert "patient" not in kinds[str(several)] | kinds[str(block)]
    assert kinds[str(block)]["conflicts"]["links"]["self"].endswith(
        f"/unavailable_blocks/{block}/conflicts"
    )


def test_too_many_requests_are_refused_until_the_minute_ends(
    there: Clinic, web: httpx.Client
) -> None:
    there.service.policy.per_minute = 3
    assert [web.get("/user").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = web.get("/user")
    assert int(refused.headers["x-ratelimit-reset"]) == START.timestamp() + 60
    there.after(seconds=60)
    assert web.get("/user").status_code == 200


def test_a_key_may_not_see_clients(there: Clinic, web: httpx.Client) -> None:
    there.service.policy.patients = False
    assert web.get("/patients").status_code == 403
    assert web.get("/bookings").status_code == 200


def test_a_person_edits_the_book_on_its_page(there: Clinic) -> None:
    number, several = there.book(days=1), there.group(there.mira)
    with httpx.Client(base_url=there.base_url, follow_redirects=True) as browser:
        page = browser.get("/").text
        assert "Simulated Cliniko" in page
        assert "nothing here reaches the real Cliniko" in page
        assert "1 of 8 clients" in page
        browser.post(f"/bookings/{number}/later")
        browser.post(f"/bookings/{several}/join")
        browser.post(
            "/bookings", data={"practitioner": there.practitioner, "start": "2026-12-03T17:30"}
        )
        page = browser.get("/").text
        assert "12:30 – 13:15" in page
        assert "2 of 8 clients" in page
        assert "17:30 – 18:15" in page
        assert "cancelled" in browser.post(f"/bookings/{number}/cancel").text
        browser.post(f"/bookings/{number}/delete")
        browser.post(f"/bookings/{several}/leave")
        page = browser.get("/").text
        assert "12:30 – 13:15" not in page
        assert "1 of 8 clients" in page
        assert browser.post(f"/bookings/{number}/explode").status_code == 404
        assert browser.post("/bookings", data={"start": "soon"}).status_code == 404


async def test_the_demos_account_belongs_to_the_sample_practice() -> None:
    practice = sample_practice(START.date())
    account = sample_account(lambda: START, practice.practitioners, practice.timezone)
    names = [
        f"{each.fields['first_name']} {each.fields['last_name']}"
        for each in account.practitioners.values()
    ]
    assert names == [each.name for each in practice.practitioners]
    kinds = {each.fields["kind"] for each in account.bookings.values()}
    assert kinds == {INDIVIDUAL, GROUP, BLOCK}
    async with (
        serving_simulator(ClinikoService(account), "simulated-cliniko") as base_url,
        httpx.AsyncClient(base_url=base_url, trust_env=False) as client,
    ):
        page = (await client.get("/")).text
        assert KEY in page
        assert "Pilates class: 5 of 8 clients" in page
