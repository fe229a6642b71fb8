"""Cursors that tell nothing: encrypted and authenticated (AES-SIV, RFC 5297), bound to what they were given for.

The encryption is deterministic, so one event has one cursor and a frame can be shared by all its receivers.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from geo.errors import InvalidCursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeedCursor(NamedTuple):
    """A place in the event feed."""

    epoch: UUID
    position: int


class PageCursor(NamedTuple):
    """The last row of a page: its value of the order's column, and its id."""

    at: datetime
    id: UUID


class Cursors:
    """Seals and opens cursors with a key made of the secret key."""

    def __init__(self, secret: str) -> None:
        key = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"bart cursors").derive(secret.encode())
        self._box = AESSIV(key)

    def _seal(self, purpose: bytes, payload: bytes) -> str:
        return urlsafe_b64encode(self._box.encrypt(payload, [purpose])).rstrip(b"=").decode()

    def _open(self, purpose: bytes, text: str) -> bytes:
        try:
            return self._box.decrypt(urlsafe_b64decode(text + "=" * (-len(text) % 4)), [purpose])
        except (ValueError, InvalidTag):
            raise InvalidCursor(
                path=("after",), hint="Pass a cursor as you received it, with the same area, filter and order."
            ) from None

    def seal_feed(self, cursor: FeedCursor) -> str:
        return self._seal(b"feed", cursor.epoch.bytes + struct.pack(">q", cursor.position))

    def open_feed(self, text: str) -> FeedCursor:
        payload = self._open(b"feed", text)
        return FeedCursor(UUID(bytes=payload[:16]), struct.unpack(">q", payload[16:])[0])

    def seal_page(self, query: str, cursor: PageCursor) -> str:
        micros = (cursor.at - _EPOCH) // timedelta(microseconds=1)
        return self._seal(query.encode(), struct.pack(">q", micros) + cursor.id.bytes)

    def open_page(self, query: str, text: str) -> PageCursor:
        payload = self._open(query.encode(), text)
        micros = struct.unpack(">q", payload[:8])[0]
        return PageCursor(_EPOCH + timedelta(microseconds=micros), UUID(bytes=payload[8:]))

    def seal_code(self, query: str, code: str) -> str:
        return self._seal(query.encode(), code.encode())

    def open_code(self, query: str, text: str) -> str:
        return self._open(query.encode(), text).decode()
