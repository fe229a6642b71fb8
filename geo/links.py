"""Signed links: who holds one may send one photo, or see one, for a while, without a token."""

import time
from datetime import timedelta
from uuid import UUID

from itsdangerous import TimestampSigner, URLSafeTimedSerializer

UPLOAD_LIFETIME = timedelta(minutes=15)
PHOTO_LIFETIME = timedelta(hours=1)
_STEP = 300  # seconds


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

    def upload(self, upload_id: UUID) -> str:
        """Where to PUT the photo of an upload, for 15 minutes."""
        return f"{self._base}/uploads/{self._uploads.dumps(str(upload_id))}"

    def photo(self, key: str) -> str:
        """Where to GET the photo under a key of the store, for an hour."""
        return f"{self._base}/photos/{self._photos.dumps(key)}"

    def open_upload(self, token: str) -> UUID:
        return UUID(self._uploads.loads(token, max_age=int(UPLOAD_LIFETIME.total_seconds())))

    def open_photo(self, token: str) -> str:
        """The key in the store."""
        return str(self._photos.loads(token, max_age=int(PHOTO_LIFETIME.total_seconds())))
