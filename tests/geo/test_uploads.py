import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import uploads
from geo.db import Database
from geo.errors import Problem, UnknownUpload, UploadNotReady
from geo.models import Upload
from geo.tables import category, evidence, report

pytestmark = pytest.mark.anyio
PATH = ("input", "uploadId")
PARTY = "app/anna"
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def announced(conn: AsyncConnection, minutes: float = 15, *, received: bool = False) -> Upload:
    upload = await uploads.create(conn, PARTY, "image/jpeg", datetime.now(UTC) + timedelta(minutes=minutes))
    if received:
        assert await uploads.stored(conn, upload.id, 640, 480)
    return upload


async def attach(conn: AsyncConnection, upload_id: UUID) -> None:
    """Make the photo evidence of some report."""
    now, report_id = datetime.now(UTC), uuid4()
    kind = {"visibility": "PUBLIC", "urgency": "NORMAL"}
    names = {"slug": "glas", "name_nl": "Glas", "name_en": "Glass"}
    await conn.execute(insert(category).values(**names, **kind, handling_hours=24, active=True))
    location = text("ST_SetSRID(ST_MakePoint(4.3, 52.07), 4326)")
    what = {"number": "1", "category": "glas", "status": "REPORTED", "description": "Glas", "municipality": "GM0518"}
    times = {"submitted_at": now, "updated_at": now}
    await conn.execute(insert(report).values(id=report_id, **what, **kind, **times, location=location, version=1))
    piece = {"id": uuid4(), "report_id": report_id, "kind": "PHOTO", "upload_id": upload_id}
    await conn.execute(insert(evidence).values(**piece, party=PARTY, added_by="RESIDENT", added_at=now))


async def refusal(conn: AsyncConnection, party: str, upload_id: UUID) -> Problem:
    with pytest.raises(Problem) as refused:
        await uploads.claim(conn, party, upload_id, PATH)
    assert refused.value.path == PATH
    assert refused.value.hint
    return refused.value


async def test_is_claimed_once_it_was_received(db: Database) -> None:
    async with db.write() as conn:
        upload = await announced(conn)
        assert isinstance(await refusal(conn, PARTY, upload.id), UploadNotReady)
        assert await uploads.stored(conn, upload.id, 640, 480)
        claimed = await uploads.claim(conn, PARTY, upload.id, PATH)
        assert (claimed.id, claimed.width, claimed.height) == (upload.id, 640, 480)
        assert claimed == await uploads.by_id(conn, upload.id)


async def test_another_partys_and_an_unknown_upload_are_alike(db: Database) -> None:
    async with db.write() as conn:
        upload = await announced(conn, received=True)
        stolen, unknown = await refusal(conn, "app/bob", upload.id), await refusal(conn, PARTY, uuid4())
    assert type(stolen) is type(unknown) is UnknownUpload
    assert stolen.message == unknown.message


async def test_is_evidence_once(db: Database) -> None:
    async with db.write() as conn:
        upload = await announced(conn, received=True)
        await attach(conn, upload.id)
        assert isinstance(await refusal(conn, PARTY, upload.id), UnknownUpload)


async def test_of_two_claims_at_once_the_second_waits_and_is_refused(db: Database) -> None:
    async with db.write() as conn:
        upload = await announced(conn, received=True)

    async def claim_too() -> Problem:
        async with db.write() as conn:
            return await refusal(conn, PARTY, upload.id)

    async with db.write() as conn:
        await uploads.claim(conn, PARTY, upload.id, PATH)
        second = asyncio.create_task(claim_too())
        async with db.read() as watcher:
            while not await watcher.scalar(WAITING):
                pass
        await attach(conn, upload.id)
    assert isinstance(await second, UnknownUpload)


async def test_is_received_once_and_in_time(db: Database) -> None:
    async with db.write() as conn:
        assert not await uploads.stored(conn, (await announced(conn, minutes=-1)).id, 640, 480)
        upload = await announced(conn, received=True)
        assert not await uploads.stored(conn, upload.id, 1, 1)
        assert (await uploads.by_id(conn, upload.id)).width == 640


async def test_forgets_what_expired_and_belongs_to_no_report(db: Database) -> None:
    async with db.write() as conn:
        used, idle = [await announced(conn, received=True) for _ in range(2)]
        never_sent = await announced(conn)
        fresh = await announced(conn, minutes=60)
        await attach(conn, used.id)
    async with db.write() as conn:
        gone = await uploads.purge(conn, datetime.now(UTC) + timedelta(minutes=30))
        assert sorted(gone) == sorted([idle.id, never_sent.id])
        for kept in (used, fresh):
            assert (await uploads.by_id(conn, kept.id)).id == kept.id
        with pytest.raises(UnknownUpload):
            await uploads.by_id(conn, idle.id)


async def test_does_not_forget_what_is_being_claimed(db: Database) -> None:
    async with db.write() as conn:
        upload = await announced(conn, received=True)
    async with db.write() as claiming, db.write() as purging:
        await uploads.claim(claiming, PARTY, upload.id, PATH)
        assert not await uploads.purge(purging, datetime.now(UTC) + timedelta(minutes=30))
