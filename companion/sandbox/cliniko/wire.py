"""Records as Cliniko writes them: ids as texts, moments in UTC, other records as links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from companion.sandbox.cliniko.account import (
    BLOCK,
    GROUP,
    INDIVIDUAL,
    ClinikoRecord,
    SimulatedClinikoAccount,
)

Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def written(account: SimulatedClinikoAccount, table: str, record: ClinikoRecord, base: str) -> Json:
    """`table`: the list that it is asked from; `base`: where the interface begins, with /v1."""
    common = {
        "id": str(record.id),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "archived_at": stamp(record.archived_at),
        "links": {"self": f"{base}/{table}/{record.id}"},
    }
    fields = record.fields
    if table in {"bookings", INDIVIDUAL, GROUP, BLOCK}:
        return common | _booking(account, record, base)
    if table == "attendees":
        return common | {
            "arrived": fields["arrived"],
            "cancelled_at": stamp(fields["cancelled_at"]),
            "cancellation_reason": fields.get("cancellation_reason"),
            "deleted_at": stamp(record.deleted_at),
            "notes": None,
            "booking": _link(base, "bookings", fields["booking_id"]),
            "patient": _link(base, "patients", fields["patient_id"]),
        }
    if table == "practitioners":
        names = fields["first_name"], fields["last_name"]
        return common | {
            "first_name": names[0],
            "last_name": names[1],
            "label": " ".join(names),
            "title": fields["title"],
            "designation": fields["designation"],
            "active": fields["active"],
            "show_in_online_bookings": True,
            "user": _link(base, "users", fields["user_id"]),
        }
    if table == "businesses":
        return common | {
            "business_name": fields["business_name"],
            "display_name": None,
            "label": fields["business_name"],
            "country_code": "AU",
            "time_zone": None,
            "time_zone_identifier": fields["time_zone_identifier"],
            "deleted_at": stamp(record.deleted_at),
        }
    if table == "patients":
        return common | {
            "first_name": fields["first_name"],
            "last_name": fields["last_name"],
            "preferred_first_name": None,
            "time_zone": None,
            "deleted_at": stamp(record.deleted_at),
        }
    return common | dict(fields)


def _booking(account: SimulatedClinikoAccount, record: ClinikoRecord, base: str) -> Json:
    fields = record.fields
    kind = fields["kind"]
    found = {
        "starts_at": stamp(fields["starts_at"]),
        "ends_at": stamp(fields["ends_at"]),
        "notes": fields["notes"],
        "deleted_at": stamp(record.deleted_at),
        "repeat_rule": {},
        "repeats": None,
        "conflicts": {"links": {"self": f"{base}/{kind}/{record.id}/conflicts"}},
        "practitioner": _link(base, "practitioners", fields["practitioner_id"]),
        "business": _link(base, "businesses", fields["business_id"]),
    }
    if kind == BLOCK:
        type_id = fields.get("unavailable_block_type_id")
        return found | {
            "unavailable_block_type": type_id and _link(base, "unavailable_block_types", type_id)
        }
    found |= {
        "appointment_type": _link(base, "appointment_types", fields["appointment_type_id"]),
        "attendees": {"links": {"self": f"{base}/{kind}/{record.id}/attendees"}},
        "telehealth_url": f"https://banksia.example/appointments/{record.id}/connect",
    }
    if kind == GROUP:
        return found | {
            "max_attendees": fields["max_attendees"],
            "patient_ids": [str(each) for each in fields["patient_ids"]],
        }
    return found | {
        "booking_ip_address": None,
        "cancelled_at": stamp(fields["cancelled_at"]),
        "cancellation_reason": fields.get("cancellation_reason"),
        "cancellation_reason_description": "Other" if fields["cancelled_at"] else "",
        "cancellation_note": None,
        "did_not_arrive": fields["did_not_arrive"],
        "patient_arrived": fields["patient_arrived"],
        "patient_name": account.patient_name(fields["patient_id"]),
        "patient": _link(base, "patients", fields["patient_id"]),
        "email_reminder_sent": False,
        "sms_reminder_sent": False,
        "invoice_status": None,
        "treatment_note_status": None,
    }


def _link(base: str, table: str, number: int) -> Json:
    return {"links": {"self": f"{base}/{table}/{number}"}}
