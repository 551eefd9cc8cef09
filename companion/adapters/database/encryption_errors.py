"""What is wrong with the encrypted way to a PostgreSQL server, by the words of the client library.

They are libpq's and OpenSSL's own, which are never translated. A certificate that was not believed
is all that libpq says; `why_unproven` finds out why.
"""

from __future__ import annotations

from companion.adapters.database.errors import Make, store
from companion.domain.errors import CompanionError
from companion.domain.practice_errors import ServerUnproven

_CARER = "Ask whoever looks after the database server"


def _unproven(detail: str) -> CompanionError:
    return ServerUnproven(detail=detail)


NOT_ENCRYPTED = store(
    "The database server does not encrypt, as the address asks for. Nothing was sent to it.",
    f"{_CARER} to switch on ssl in its postgresql.conf.",
)
WRONG_NAME = store(
    "The database server's certificate is for another name than the address has. Nothing was sent "
    "to it.",
    "Give practice create or practice join the address with the name that is in the certificate. "
    "If it is written so, another computer may pretend to be the server.",
)
NO_AUTHORITY = store(
    "This computer has no certificate of your own authority, by which the database server would "
    "be known, or it cannot be read. Nothing was sent to the server.",
    "Name its file in the address, as in ?sslmode=verify-full&sslrootcert=/folder/ca.crt, and let "
    "this user read it.",
)
OWN_CERTIFICATE = store(
    "The database server asks for a certificate of this workstation's own, and got none that it "
    "takes.",
    f"{_CARER} to take clientcert out of pg_hba.conf, or for a certificate, which the address "
    "names: &sslcert=FILE&sslkey=FILE.",
)
NO_COMMON_WAY = store(
    "The database server and this program know no common way to encrypt. Nothing was sent to it.",
    f"{_CARER} to allow TLS 1.2 or newer (ssl_min_protocol_version and ssl_max_protocol_version).",
)

WORDS: tuple[tuple[str, Make], ...] = (
    ("does not match host name", WRONG_NAME),
    ("certificate verify failed", _unproven),
    ("root certificate file", NO_AUTHORITY),
    ("valid client certificate", OWN_CERTIFICATE),
    ("alert unknown ca", OWN_CERTIFICATE),
    ("alert certificate", OWN_CERTIFICATE),
    ("alert bad certificate", OWN_CERTIFICATE),
    ("private key file", OWN_CERTIFICATE),
    ("read certificate file", OWN_CERTIFICATE),
    ("protocol version", NO_COMMON_WAY),
    ("unsupported protocol", NO_COMMON_WAY),
    ("handshake failure", NO_COMMON_WAY),
    ("does not support ssl", NOT_ENCRYPTED),
    ("channel binding required", NOT_ENCRYPTED),
    ("certificate", _unproven),
)
"""The first that fits."""
