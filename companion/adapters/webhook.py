"""HttpWebhook: one signed POST to the address that the practice's IT has given.

`X-Companion-Signature: t=UNIX,v1=HEX` holds the HMAC-SHA256, under the practice's secret, of
``UNIX.BODY``; whoever receives it compares it and refuses an old moment, so that nobody can send or
repeat one in our name. The address may hold a token: nothing of it but the host gets into a
sentence. An answer that sends elsewhere is a refusal.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlsplit

from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from companion.adapters.network.errors import is_proxy_sign_in, is_untrusted, proxy_sign_in
from companion.adapters.network.http import HttpClient
from companion.domain.errors import NoticeNotSent

SECONDS = 20.0
_MOST_ANSWER = 64_000
SIGNATURE, DELIVERY = "x-companion-signature", "x-companion-delivery"


class HttpWebhook:
    """A Webhook."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def post(self, address: str, secret: str, body: bytes, *, delivery: str, at: datetime) -> None:
        host = urlsplit(address).hostname or ""
        client = HttpClient(timeout=self._seconds)
        headers = {
            "content-type": "application/json",
            SIGNATURE: signature(secret, body, at),
            DELIVERY: delivery,
        }
        try:
            answer = client.request(
                "POST", address, body=body, headers=headers, most=_MOST_ANSWER, seconds=60.0
            )
        except (HTTPError, OSError, ValueError) as error:
            raise _unreachable(error, host) from None  # the cause names the address
        finally:
            client.close()
        if not answer.ok:
            raise _refusal(answer.status, host)


def signature(secret: str, body: bytes, at: datetime) -> str:
    moment = str(int(at.timestamp()))
    signed = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def _refusal(status: int, host: str) -> NoticeNotSent:
    detail = f"HTTP {status}"
    if 300 <= status < 400:
        return NoticeNotSent(
            f"{host} sends to another address, which was not followed.",
            "Give the webhook's final address.",
            detail=detail,
        )
    if status in {401, 403, 404, 410}:
        return NoticeNotSent(
            f"{host} refuses the webhook ({status}).",
            "Give its address anew, as that service shows it.",
            detail=detail,
        )
    return NoticeNotSent(f"{host} did not take the notice ({status}).", detail=detail)


def _unreachable(error: Exception, host: str) -> NoticeNotSent:
    detail = type(error).__name__
    if is_untrusted(error):
        return NoticeNotSent(
            f"The secure connection to {host} could not be verified.",
            "Check this computer's date and time, and whether antivirus or an internet filter "
            f"inspects secure connections; allow {host} there.",
            detail=detail,
        )
    if is_proxy_sign_in(error):
        trouble = proxy_sign_in(detail)
        return NoticeNotSent(trouble.what, trouble.remedy, detail=detail)
    # Where a connection was made, the notice may have arrived; its answer was lost.
    unsent = isinstance(error, NewConnectionError | ConnectTimeoutError | SSLError | ValueError)
    return NoticeNotSent(f"{host} cannot be reached.", unconfirmed=not unsent, detail=detail)
