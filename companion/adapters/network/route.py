"""Route: through which proxy a request leaves, and which certificates are trusted.

Proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment, else what the system has set
(Windows registry, macOS network settings), as `urllib.request.getproxies` reads them. Loopback
addresses are never sent to a proxy. A proxy script (PAC) is not run; such a network sets
HTTPS_PROXY.

Trust: SSL_CERT_FILE or REQUESTS_CA_BUNDLE, else the system's certificate store through
`truststore`, where a clinic's web filter that inspects TLS has installed its own root.
"""

from __future__ import annotations

import base64
import os
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from companion.domain.errors import BadInput

TRUST_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    address: str
    """``http://host:port``, without user and password: may be shown."""
    authorization: str = ""
    """Value of Proxy-Authorization; a secret."""


def proxy_for(url: str) -> Proxy | None:
    """None where the request goes straight. Raises BadInput for a proxy that cannot be used."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    address = (proxies.get(parts.scheme) or proxies.get("all") or "").strip()
    return read_proxy(address) if address else None


def read_proxy(address: str) -> Proxy:
    """A proxy's URL, whose user and password may hold percent-encoded characters."""
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if not host or parts.scheme not in {"http", "https"}:
        raise BadInput(
            "The proxy that this computer names cannot be used by Calendar Companion.",
            "Set HTTPS_PROXY to an address such as http://proxy.clinic.example:8080, or ask "
            "whoever looks after your network.",
            field="HTTPS_PROXY",
        )
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    shown = f"[{host}]" if ":" in host else host
    return Proxy(address=f"{parts.scheme}://{shown}:{port}", authorization=authorization)


def trust_name(variables: Mapping[str, str] = os.environ) -> str:
    """The variable that says which certificates are trusted; empty for the system's store."""
    return next((name for name in TRUST_VARIABLES if variables.get(name, "").strip()), "")


def trust_context(variables: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Verifies certificates and host names. Raises BadInput for a file that cannot be read."""
    name = trust_name(variables)
    if not name:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    place = Path(variables[name].strip())
    try:
        if place.is_dir():
            return ssl.create_default_context(capath=str(place))
        return ssl.create_default_context(cafile=str(place))
    except (OSError, ssl.SSLError) as error:
        raise BadInput(
            f"The variable {name} names no file of certificates that can be read.",
            "Correct it, or remove it to trust what this computer trusts.",
            field=name,
            detail=type(error).__name__,
        ) from error


def is_loopback(host: str) -> bool:
    """Is the host name or address this computer?"""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
