"""Packing: gzip of a calendar whose parts are compressed once and used again.

Compressing a feed at its limit costs 10 ms, nearly all of it for events that have not changed. So
its events go into groups that begin and end at certain keys, wherever those come to stand; each
group is a run of deflate blocks that refers to nothing before it (RFC 1951, a full flush), and
such runs may follow one another in any order. One changed event is one group packed anew: 0.3 ms.
The price is a body that is 7 % larger.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""RFC 1952: deflate, no name, no time, so that equal bytes pack equally on every machine."""
_END = b"\x03\x00"
"""An empty last block."""
_OF_SO_MANY = 96
"""Events in a group, on average."""


def pack(
    opening: bytes,
    events: Iterable[tuple[str, bytes]],
    closing: bytes,
    known: dict[bytes, bytes],
) -> tuple[bytes, bytes]:
    """The calendar plain and as gzip. `events` bear keys; `known` is what an earlier call left
    there, and holds afterwards the groups of this one."""
    used: dict[bytes, bytes] = {}
    groups = list(_groups(opening, events, closing))
    packed = [_HEAD]
    for group in groups:
        name = hashlib.sha256(group).digest()
        used[name] = known.get(name) or _deflated(group)
        packed.append(used[name])
    plain = b"".join(groups)
    packed.append(_END + struct.pack("<LL", zlib.crc32(plain), len(plain) & 0xFFFFFFFF))
    known.clear()
    known.update(used)
    return plain, b"".join(packed)


def _groups(opening: bytes, events: Iterable[tuple[str, bytes]], closing: bytes) -> Iterator[bytes]:
    pieces = [opening]
    begin = 0
    for key, data in events:
        pieces.append(data)
        if _ends_a_group(key):
            yield b"".join(pieces[begin:])
            begin = len(pieces)
    pieces.append(closing)
    yield b"".join(pieces[begin:])


@lru_cache(maxsize=65_536)
def _ends_a_group(key: str) -> bool:
    return zlib.crc32(key.encode("utf-8", "replace")) % _OF_SO_MANY == 0


def _deflated(group: bytes) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(group) + deflate.flush(zlib.Z_FULL_FLUSH)
