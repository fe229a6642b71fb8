"""Uploads: a photo that was announced, then received, then made part of a report or an answer; or forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.errors import UnknownUpload, UploadNotReady
from geo.geometry import Path
from geo.models import Upload
from geo.tables import alert_answer, evidence, upload

_COLUMNS = [upload.c[name] for name in Upload.__dataclass_fields__]


def _used() -> ColumnElement[bool]:
    """Made part of something: of evidence, or of an answer to an alert."""
    return or_(*(exists().where(table.c.upload_id == upload.c.id) for table in (evidence, alert_answer)))


def _to_upload(row: Row[Any]) -> Upload:
    return Upload(**row._mapping)


async def create(conn: AsyncConnection, party: str, content_type: str, expires_at: datetime) -> Upload:
    """Announce a photo by `party`, to be received before `expires_at`."""
    values = {"id": uuid7(), "party": party, "content_type": content_type, "expires_at": expires_at}
    return _to_upload((await conn.execute(insert(upload).values(values).returning(*_COLUMNS))).one())


async def by_id(conn: AsyncConnection, upload_id: UUID) -> Upload:
    """Anybody's upload; raises `UnknownUpload` when it is forgotten."""
    row = (await conn.execute(select(*_COLUMNS).where(upload.c.id == upload_id))).one_or_none()
    if row is None:
        raise UnknownUpload("This upload has expired.", hint="Create another upload.")
    return _to_upload(row)


async def stored(conn: AsyncConnection, upload_id: UUID, width: int, height: int) -> bool:
    """Note that the photo was received; false when that was noted before, or comes too late.

    The row stays locked until the transaction ends, so of two at once the second waits and then is refused.
    """
    noted = await conn.execute(
        update(upload)
        .where(upload.c.id == upload_id, upload.c.stored_at.is_(None), upload.c.expires_at > func.clock_timestamp())
        .values(stored_at=func.clock_timestamp(), width=width, height=height)
    )
    return noted.rowcount == 1


async def claim(conn: AsyncConnection, party: str, upload_id: UUID, path: Path) -> Upload:
    """The party's own photo, locked to be made part of something in this transaction.

    Raises `UnknownUpload` where there is none of this party or it is part of something already, `UploadNotReady` where
    the photo has not been received.
    """
    own = select(*_COLUMNS).where(upload.c.id == upload_id, upload.c.party == party).with_for_update()
    row = (await conn.execute(own)).one_or_none()
    if row is None:
        raise UnknownUpload(path=path, hint="Pass the `uploadId` that createUpload gave you.")
    # A statement of its own: it sees what the one before may have waited for.
    if await conn.scalar(select(_used()).where(upload.c.id == upload_id)):
        raise UnknownUpload("This photo has been used already.", path=path, hint="Create another upload.")
    if row.stored_at is None:
        raise UploadNotReady(path=path, hint="PUT the photo to the upload's URL first, and wait for 201.")
    return _to_upload(row)


async def purge(conn: AsyncConnection, before: datetime) -> Sequence[UUID]:
    """Forget the uploads that expired before a time and never became part of anything.

    Delete their photos from the store after the commit: a photo too many does no harm, one too few would.
    """
    idle = select(upload.c.id).where(upload.c.expires_at < before, ~_used()).with_for_update(skip_locked=True)
    return (await conn.scalars(delete(upload).where(upload.c.id.in_(idle)).returning(upload.c.id))).all()
