"""Signed links: who holds one may do one thing without a token: send a photo or see one, confirm an e-mail address, or
end the mail to it."""

import time
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer

UPLOAD_LIFETIME = timedelta(minutes=15)
PHOTO_LIFETIME = timedelta(hours=1)
CONFIRMATION_LIFETIME = timedelta(days=7)
_STEP = 300  # seconds


class PhotoLink(NamedTuple):
    """A key of the store, and whether the link was made for somebody who sees what is hidden."""

    key: str
    even_hidden: bool


class _SteppedSigner(TimestampSigner):
    """Signs by the clock's last full five minutes: for that long a photo keeps its link, and caches keep the photo."""

    def get_timestamp(self) -> int:
        return int(time.time()) // _STEP * _STEP


class Links:
    """Makes the links, below the public address of this server, and reads their tokens back.

    A token that was not made here raises `itsdangerous.BadData`; one past its time `itsdangerous.SignatureExpired`,
    which is a kind of it.
    """

    def __init__(self, secret: str, public_url: str) -> None:
        self._base = public_url.rstrip("/")
        self._uploads = URLSafeTimedSerializer(secret, salt="upload")
        self._photos = URLSafeTimedSerializer(secret, salt="photo", signer=_SteppedSigner)
        self._confirmations = URLSafeTimedSerializer(secret, salt="confirm")
        self._unsubscriptions = URLSafeSerializer(secret, salt="unsubscribe")

    def upload(self, upload_id: UUID) -> str:
        """Where to PUT the photo of an upload, for 15 minutes."""
        return f"{self._base}/uploads/{self._uploads.dumps(str(upload_id))}"

    def photo(self, key: str, *, even_hidden: bool = False) -> str:
        """Where to GET the photo under a key of the store, for an hour, or until it is hidden."""
        return f"{self._base}/photos/{self._photos.dumps([key, even_hidden])}"

    def open_upload(self, token: str) -> UUID:
        return UUID(self._uploads.loads(token, max_age=int(UPLOAD_LIFETIME.total_seconds())))

    def open_photo(self, token: str) -> PhotoLink:
        return PhotoLink(*self._photos.loads(token, max_age=int(PHOTO_LIFETIME.total_seconds())))

    def confirmation(self, address_id: UUID) -> str:
        """Where to confirm an e-mail address, for a week."""
        return f"{self._base}/mail/confirm/{self._confirmations.dumps(str(address_id))}"

    def unsubscription(self, addressee_id: UUID) -> str:
        """Where to end the mail to an address or a contact, for ever: it stands in mails that people keep."""
        return f"{self._base}/mail/unsubscribe/{self._unsubscriptions.dumps(str(addressee_id))}"

    def open_confirmation(self, token: str) -> UUID:
        return UUID(self._confirmations.loads(token, max_age=int(CONFIRMATION_LIFETIME.total_seconds())))

    def open_unsubscription(self, token: str) -> UUID:
        return UUID(self._unsubscriptions.loads(token))
