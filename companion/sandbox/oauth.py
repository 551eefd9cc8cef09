"""The simulated sign-in: consent page, token endpoint, revocation and user information.

The consent page looks and behaves like Google's: choose the account (`login_hint` preselects
it), untick what the program shall not have, then Allow or Cancel. It redirects only to a loopback
address, on whatever port and path the program chose, as Google does for desktop clients.
"""

from base64 import b64decode
from html import escape
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from companion.sandbox import delegation
from companion.sandbox.access import IDENTITY_SCOPES, KNOWN_SCOPES, full_name, short_name
from companion.sandbox.google import SimulatedGoogleAccount
from companion.sandbox.grants import Consent, GrantRefused
from companion.sandbox.pages import frame
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.sockets import LOOPBACK
from companion.sandbox.wire import NOT_STORED, ApiRequest, Reply, json_reply

AUTH_PATH, TOKEN_PATH, REVOKE_PATH = "/o/oauth2/v2/auth", "/token", "/revoke"
USER_PATH = "/oauth2/v3/userinfo"
_MEANINGS = {
    "calendar": "See, edit, share and permanently delete all the calendars you can access",
    "calendar.app.created": "Make secondary Google calendars, and see, create, change and delete "
    "events on them",
    "calendar.events": "View and edit events on all your calendars",
    "calendar.events.owned": "See, create, change and delete events on calendars you own",
    "calendar.events.readonly": "View events on all your calendars",
    "calendar.events.owned.readonly": "See the events on calendars you own",
    "calendar.readonly": "See and download any calendar you can access",
    "calendar.calendarlist": "See, add and remove calendars you're subscribed to",
    "calendar.calendarlist.readonly": "See the list of calendars you're subscribed to",
    "calendar.calendars": "See and change the properties of calendars, and create calendars",
    "calendar.calendars.readonly": "See the title, description and zone of your calendars",
}


BLOCKS = {
    "admin_policy_enforced": (
        400,
        "The administrator of your organisation has not approved this app, so it is blocked.",
    ),
    "org_internal": (
        403,
        "This app is only for people of the organisation that made it.",
    ),
    "access_denied": (
        403,
        "This app is being tested, and only testers whom its developer has approved may use it.",
    ),
}
"""What Google shows on a page of its own, without a way back to the program."""
REDIRECTED = "redirected:"
"""Before one of them: the error is sent to the program instead, as Google does at times."""


class _Blocked(Exception):
    """Google shows this on its own page, because the redirect address cannot be trusted."""

    def __init__(self, status: int, error: str, explanation: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.explanation = explanation


def answers(path: str) -> bool:
    return path in {AUTH_PATH, "/o/oauth2/auth", TOKEN_PATH, REVOKE_PATH, USER_PATH}


def answer(api: SimulatorApi, request: ApiRequest) -> Reply:
    with api.lock:
        if request.path == TOKEN_PATH:
            return _token(api, request)
        if request.path == REVOKE_PATH:
            return _revoke(api, request)
        if request.path == USER_PATH:
            return _user(api, request)
        try:
            return _authorise(api, request)
        except _Blocked as blocked:
            text = (
                f'<section class="card"><p><strong>Access blocked: authorisation error</strong></p>'
                f"<p>{escape(blocked.explanation)}</p>"
                f'<p class="soft">Error {blocked.status}: {blocked.error}</p></section>'
            )
            return html_reply(frame("Access blocked", text, narrow=True), blocked.status)


def html_reply(page: bytes, status: int = 200) -> Reply:
    headers = [("Content-Type", "text/html; charset=utf-8"), NOT_STORED]
    return Reply(status=status, headers=headers, body=page)


def redirect(address: str) -> Reply:
    return Reply(status=303, headers=[("Location", address), NOT_STORED])


# The consent page


def _authorise(api: SimulatorApi, request: ApiRequest) -> Reply:
    posted: dict[str, list[str]] = {}
    query = request.query
    if request.method == "POST":
        posted = parse_qs(request.body.decode("utf-8", "replace"))
        query = posted.get("request", [""])[0]
    asked = dict(parse_qsl(query, keep_blank_values=True))
    scopes = _check(api, asked)
    block = api.consent_block
    if block is not None and block.startswith(REDIRECTED):
        return redirect(_back(asked, {"error": block.removeprefix(REDIRECTED)}))
    if block is not None:
        status, explanation = BLOCKS[block]
        raise _Blocked(status, block, explanation)
    chosen = _decision(api, scopes, posted)
    if chosen is None:
        if posted.get("decision") == ["cancel"]:
            return redirect(_back(asked, {"error": "access_denied"}))
        return html_reply(_consent_page(api, asked, query, scopes))
    account, granted = chosen
    if asked.get("include_granted_scopes") == "true":
        granted |= api.grants.granted_before(account.email, asked["client_id"])
    code = api.grants.authorise(
        Consent(
            account=account,
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            scopes=granted,
            challenge=asked.get("code_challenge"),
            nonce=asked.get("nonce"),
            offline=asked.get("access_type") == "offline",
            prompted="consent" in asked.get("prompt", "").split(),
        )
    )
    named = " ".join(full_name(scope) for scope in sorted(granted))
    return redirect(_back(asked, {"code": code, "scope": named, "authuser": "0"}))


def _check(api: SimulatorApi, asked: dict[str, str]) -> list[str]:
    """The scopes asked for, in order, when the request is one that Google would serve."""
    if asked.get("client_id") not in api.grants.clients:
        raise _Blocked(401, "invalid_client", "The OAuth client was not found.")
    target = urlsplit(asked.get("redirect_uri", ""))
    if target.scheme != "http" or target.hostname not in LOOPBACK or target.fragment:
        raise _Blocked(
            400,
            "redirect_uri_mismatch",
            "This program may only be sent back to an address on this computer.",
        )
    if asked.get("response_type") != "code":
        raise _Blocked(400, "unsupported_response_type", "Only response_type=code is served.")
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        raise _Blocked(400, "invalid_request", "Only code_challenge_method=S256 is served.")
    scopes = list(dict.fromkeys(short_name(scope) for scope in asked.get("scope", "").split()))
    unknown = [scope for scope in scopes if scope not in KNOWN_SCOPES | IDENTITY_SCOPES]
    if not scopes or unknown:
        raise _Blocked(400, "invalid_scope", f"Some scopes are invalid: {' '.join(unknown)}")
    return scopes


def _decision(
    api: SimulatorApi, scopes: list[str], posted: dict[str, list[str]]
) -> tuple[SimulatedGoogleAccount, frozenset[str]] | None:
    """Account and granted scopes once a person has allowed; None before that or on Cancel."""
    if api.auto_consent is not None and not posted:
        return api.google.accounts[api.auto_consent], frozenset(scopes)
    account = api.google.accounts.get(posted.get("account", [""])[0])
    if posted.get("decision") != ["allow"] or account is None:
        return None
    ticked = {scope for scope in posted.get("scope", []) if scope in scopes}
    return account, frozenset(ticked | (IDENTITY_SCOPES & set(scopes)))


def _back(asked: dict[str, str], answer: dict[str, str]) -> str:
    if "state" in asked:
        answer = {"state": asked["state"], **answer}
    target = asked["redirect_uri"]
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(answer)}"


def _consent_page(api: SimulatorApi, asked: dict[str, str], query: str, scopes: list[str]) -> bytes:
    hint = asked.get("login_hint", "")
    accounts = "".join(
        f'<li><label class="row account"><input type="radio" name="account" required '
        f'value="{escape(account.email)}"{" checked" if account.email == hint else ""}>'
        f'<span class="face" aria-hidden="true">{escape(account.name[:1])}</span>'
        f'<span>{escape(account.name)}<br><span class="soft">{escape(account.email)}</span></span>'
        f"</label></li>"
        for account in api.google.accounts.values()
    )
    boxes = "".join(
        f'<li><label class="row"><input type="checkbox" name="scope" value="{scope}" checked>'
        f"<span>{escape(_MEANINGS.get(scope, scope))}</span></label></li>"
        for scope in scopes
        if scope not in IDENTITY_SCOPES
    )
    shared = "<p>It will also see your e-mail address.</p>" if IDENTITY_SCOPES & set(scopes) else ""
    content = (
        f'<form method="post" action="{AUTH_PATH}" style="display:block" class="card">'
        f'<input type="hidden" name="request" value="{escape(query)}">'
        f"<h2>Choose an account</h2><ul>{accounts}</ul>"
        f"<h2>Select what Calendar Companion can access</h2><ul>{boxes}</ul>{shared}"
        f'<p class="soft">You can withdraw this at any time in your Google Account.</p>'
        f'<div class="end"><button name="decision" value="cancel" formnovalidate>Cancel</button>'
        f'<button class="main" name="decision" value="allow">Allow</button></div></form>'
    )
    return frame("Calendar Companion wants access to your Google Account", content, narrow=True)


# Endpoints for programs


def _form(request: ApiRequest) -> dict[str, str]:
    return request.form or dict(parse_qsl(request.query, keep_blank_values=True))


def _client(request: ApiRequest) -> dict[str, str]:
    """Client id and secret from HTTP Basic, which Google takes as well as form fields."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = b64decode(encoded).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote(client_id), "client_secret": unquote(secret)}


def _json(content: object, status: int = 200) -> Reply:
    return json_reply(content, status, NOT_STORED)


def _token(api: SimulatorApi, request: ApiRequest) -> Reply:
    fault = api.faults.strike(f"{request.method} {request.path}")
    if fault is None:
        return _exchange(api, request)
    return fault.carry_out(
        lambda: _exchange(api, request),
        lambda: _json({"error": "internal_failure"}, fault.status),
    )


def _exchange(api: SimulatorApi, request: ApiRequest) -> Reply:
    if request.method != "POST":
        return _json({"error": "invalid_request"}, 405)
    form = _client(request) | _form(request)
    try:
        if form.get("grant_type") == delegation.GRANT_TYPE:
            caller = api.delegation.caller(form, api.google.accounts)
            return _json(api.grants.hand_out(caller))
        return _json(api.grants.exchange(form))
    except GrantRefused as refusal:
        return _json(
            {"error": refusal.error, "error_description": refusal.description}, refusal.status
        )


def _revoke(api: SimulatorApi, request: ApiRequest) -> Reply:
    if api.grants.revoke(_form(request).get("token", "")):
        return _json({})
    return _json({"error": "invalid_token", "error_description": "Token expired or revoked"}, 400)


def _user(api: SimulatorApi, request: ApiRequest) -> Reply:
    caller = api.caller(request)
    if caller is None:
        return _json({"error": "invalid_request", "error_description": "Invalid Credentials"}, 401)
    account = api.google.accounts[caller.account]
    content: dict[str, object] = {"sub": account.subject}
    if "email" in caller.scopes:
        content |= {"email": account.email, "email_verified": True}
    if "profile" in caller.scopes:
        content["name"] = account.name
    return _json(content)
