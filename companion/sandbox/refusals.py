"""The simulated Google's refusals: one exception and one maker for each answer that is not a 2xx.

Statuses, reasons and messages are Google's own, from its guide "Handle API errors" and from
recorded answers; where the exact words of a message are not published the maker says so.
A refusal is part of the protocol under simulation, not an error for a person to read, and
therefore stands outside the `CompanionError` tree.
"""

from typing import Any

Json = dict[str, Any]


class SimulatedError(Exception):
    """An HTTP refusal with Google's error body."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type

    def body(self) -> Json:
        entry: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            entry |= {"locationType": self.location_type, "location": self.location}
        return {"error": {"errors": [entry], "code": self.status, "message": self.message}}


def _of_calendar(
    status: int, reason: str, message: str, location: str | None = None
) -> SimulatedError:
    return SimulatedError(status, reason, message, domain="calendar", location=location)


def _of_header(status: int, reason: str, message: str, header: str) -> SimulatedError:
    return SimulatedError(status, reason, message, location=header, location_type="header")


def _of_limits(reason: str, message: str) -> SimulatedError:
    return SimulatedError(403, reason, message, domain="usageLimits")


def invalid(message: str, location: str | None = None) -> SimulatedError:
    return SimulatedError(400, "invalid", message, location=location)


def required(message: str, location: str | None = None) -> SimulatedError:
    return SimulatedError(400, "required", message, location=location)


def too_long(field: str) -> SimulatedError:
    """The wording is ours."""
    return invalid(f"The {field} is too long.")


def parse_error() -> SimulatedError:
    return SimulatedError(400, "parseError", "Parse Error")


def bad_request(message: str = "Bad Request") -> SimulatedError:
    return SimulatedError(400, "badRequest", message)


def invalid_id() -> SimulatedError:
    return invalid("Invalid resource id value.")


def empty_range() -> SimulatedError:
    return _of_calendar(400, "timeRangeEmpty", "The specified time range is empty.", "timeMax")


def stale_sequence() -> SimulatedError:
    return invalid(
        "Invalid sequence value. The specified sequence number is below the current sequence "
        "number of the resource. Re-fetch the resource and use its sequence number on the "
        "following request."
    )


def reminder_clash() -> SimulatedError:
    return _of_calendar(
        400,
        "cannotUseDefaultRemindersAndSpecifyOverride",
        "Cannot specify both default reminders and overrides at the same time.",
    )


def primary_calendar() -> SimulatedError:
    """The reason and wording are ours: Google documents only that it cannot be deleted."""
    return SimulatedError(
        400, "cannotDeletePrimaryCalendar", "The primary calendar cannot be deleted."
    )


def sync_token_with_filters() -> SimulatedError:
    """The wording is ours: Google documents the refusal, not its text."""
    return bad_request("Sync token cannot be used with other query restrictions.")


def not_authenticated() -> SimulatedError:
    return _of_header(401, "authError", "Invalid Credentials", "Authorization")


def no_credentials() -> SimulatedError:
    return _of_header(401, "required", "Login Required.", "Authorization")


def insufficient_scope() -> SimulatedError:
    message = "Request had insufficient authentication scopes."
    return SimulatedError(403, "insufficientPermissions", message)


def forbidden() -> SimulatedError:
    return SimulatedError(403, "forbidden", "Forbidden")


def backend_error() -> SimulatedError:
    return SimulatedError(503, "backendError", "Backend Error")


def needs_role(role: str) -> SimulatedError:
    message = f"You need to have {role} access to this calendar."
    return _of_calendar(403, "requiredAccessLevel", message)


def revival_refused() -> SimulatedError:
    """The status has been seen, the text varies."""
    return forbidden()


def user_rate_limit() -> SimulatedError:
    return _of_limits("userRateLimitExceeded", "User Rate Limit Exceeded")


def project_rate_limit() -> SimulatedError:
    return _of_limits("rateLimitExceeded", "Rate Limit Exceeded")


def usage_limits() -> SimulatedError:
    return _of_limits("quotaExceeded", "Calendar usage limits exceeded.")


def not_found() -> SimulatedError:
    return SimulatedError(404, "notFound", "Not Found")


def duplicate() -> SimulatedError:
    return SimulatedError(409, "duplicate", "The requested identifier already exists.")


def deleted() -> SimulatedError:
    return SimulatedError(410, "deleted", "Resource has been deleted")


def full_sync_required() -> SimulatedError:
    message = "Sync token is no longer valid, a full sync is required."
    return _of_calendar(410, "fullSyncRequired", message, "syncToken")


def updated_min_too_old() -> SimulatedError:
    message = "The requested minimum modification time lies too far in the past."
    return _of_calendar(410, "updatedMinTooLongAgo", message, "updatedMin")


def precondition_failed() -> SimulatedError:
    return _of_header(412, "conditionNotMet", "Precondition Failed", "If-Match")
