"""Make room for a photo, to be PUT to a signed URL."""

from datetime import UTC, datetime

from geo import idempotency, uploads
from geo.db import Database
from geo.errors import InvalidPhoto
from geo.links import UPLOAD_LIFETIME
from geo.models import Upload
from geo.viewer import Viewer

CONTENT_TYPES = ("image/jpeg", "image/png", "image/webp")


async def create_upload(db: Database, viewer: Viewer, content_type: str, idempotency_key: str | None) -> Upload:
    """The new upload, or the first answer to the same key.

    Raises `InvalidPhoto`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    if content_type not in CONTENT_TYPES:
        raise InvalidPhoto(
            f'"{content_type[:80]}" is not taken.',
            path=("input", "contentType"),
            hint=f"One of: {', '.join(CONTENT_TYPES)}.",
        )
    once = idempotency.Once(viewer, idempotency_key, "createUpload", content_type)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return await uploads.by_id(conn, earlier)
        upload = await uploads.create(conn, party, content_type, datetime.now(UTC) + UPLOAD_LIFETIME)
        await once.done(conn, upload.id)
        return upload
