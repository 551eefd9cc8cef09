"""Why the certificate of a database server is not believed: it is asked for again and checked.

Only Python's own library says what OpenSSL found; PostgreSQL's keeps it to itself.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from pathlib import Path

from sqlalchemy import URL

from companion.domain.practice_errors import Unproven

_ENCRYPT = struct.pack(">II", 8, 80_877_103)
"""The first words of a client that wants TLS; the server's answer is one letter."""
_REASONS = {
    9: Unproven.TOO_EARLY,
    10: Unproven.EXPIRED,
    18: Unproven.UNKNOWN_AUTHORITY,
    19: Unproven.UNKNOWN_AUTHORITY,
    20: Unproven.UNKNOWN_AUTHORITY,
    21: Unproven.UNKNOWN_AUTHORITY,
}
"""By OpenSSL's X509_V_ERR_…"""


def why_unproven(url: URL, host: str, port: int, seconds: float) -> Unproven | None:
    """None where it does not show. Blocks for a few times `seconds` at most."""
    try:
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusted.check_hostname = False
        _load(trusted, url)
        with socket.create_connection((host, port), seconds) as way:
            way.sendall(_ENCRYPT)
            if way.recv(1) == b"S":
                trusted.wrap_socket(way).close()
    except ssl.SSLCertVerificationError as error:
        return _REASONS.get(error.verify_code)
    except (OSError, UnicodeError, ValueError):
        pass
    return None


def _load(trusted: ssl.SSLContext, url: URL) -> None:
    given = url.query.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or _usual_file()
    named = given[0] if isinstance(given, tuple) else given
    if named == "system":
        trusted.set_default_verify_paths()
    else:
        trusted.load_verify_locations(named)


def _usual_file() -> str:
    """Where PostgreSQL's library looks by itself."""
    if os.name == "nt":
        return str(Path(os.environ.get("APPDATA", "")) / "postgresql" / "root.crt")
    return str(Path.home() / ".postgresql" / "root.crt")
