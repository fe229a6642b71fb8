import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from PIL import ExifTags, Image
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from api.uploads import MAX_BYTES, routes
from geo import uploads
from geo.db import Database
from geo.links import Links
from geo.models import Upload
from geo.photos import PhotoStore, Prepared, full_key, thumbnail_key

pytestmark = pytest.mark.anyio


def jpeg(width: int = 400, height: int = 300) -> bytes:
    """A photo that says where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (52.0, 4.0, 13.0), 3: "E", 4: (4.0, 18.0, 2.0)})
    buffer = BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


class Site:
    """The upload and photo routes behind a real socket."""

    def __init__(self, db: Database, photos: PhotoStore) -> None:
        self.db = db
        self.photos = photos
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()
        self.links = Links("secret", f"http://127.0.0.1:{self.address[1]}")
        self.answered = asyncio.Event()
        self._app = Starlette(routes=routes(db, photos, self.links))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            self.answered.set()

    async def announce(self, minutes: float = 15) -> tuple[UUID, str]:
        """A new upload: its id and its link."""
        async with self.db.write() as conn:
            upload = await uploads.create(conn, "app/a", "image/jpeg", datetime.now(UTC) + timedelta(minutes=minutes))
        return upload.id, self.links.upload(upload.id)

    async def row(self, upload_id: UUID) -> Upload:
        async with self.db.read() as conn:
            return await uploads.by_id(conn, upload_id)


@pytest.fixture
async def site(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    served = Site(db, PhotoStore((tmp_path / "photos").as_uri()))
    process = uvicorn.Server(uvicorn.Config(served, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    running = asyncio.create_task(process.serve(sockets=[served.socket]))
    yield served
    process.should_exit = True
    await running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as http:
        yield http


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    """The problem document, after checking that it is one."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, str] = answer.json()
    assert document["type"] == f"urn:bart:problem:{code}"
    assert all(document[member] for member in ("title", "detail", "hint"))
    return document


async def test_takes_a_photo_and_shows_it_without_its_secrets(site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()
    sent = await client.put(link, content=jpeg(4000, 3000))
    assert sent.status_code == 201
    assert sent.json() == {"uploadId": str(upload_id), "width": 2560, "height": 1920}
    row = await site.row(upload_id)
    assert row.stored_at
    assert (row.width, row.height) == (2560, 1920)

    for key, size in ((full_key(upload_id), (2560, 1920)), (thumbnail_key(upload_id), (320, 240))):
        seen = await client.get(site.links.photo(key))
        assert seen.status_code == 200
        assert seen.headers["content-type"] == "image/jpeg"
        assert seen.headers["x-content-type-options"] == "nosniff"
        assert seen.headers["content-disposition"] == "inline"
        assert seen.headers["cache-control"] == "private, max-age=3600, immutable"
        image = Image.open(BytesIO(seen.content))
        assert image.size == size
        assert not image.getexif()


async def test_takes_one_photo(site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()
    assert (await client.put(link, content=jpeg(400, 300))).status_code == 201
    problem(await client.put(link, content=jpeg(200, 100)), 409, "AlreadyUploaded")
    seen = await client.get(site.links.photo(full_key(upload_id)))
    assert Image.open(BytesIO(seen.content)).size == (400, 300)


async def test_of_two_photos_at_once_one_is_kept_whole(site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()
    answers = await asyncio.gather(*(client.put(link, content=jpeg(side, 100)) for side in (200, 300, 400)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    row = await site.row(upload_id)
    seen = await client.get(site.links.photo(full_key(upload_id)))
    assert Image.open(BytesIO(seen.content)).size == (row.width, row.height)


HTML = b"<!doctype html><script>alert(document.cookie)</script>"
BOMB = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x75\x30\x00\x00\x75\x30\x08\x02\x00\x00\x00\xff\x26\x0e\x6a"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HTML, id="html named .jpg"),
        pytest.param(jpeg()[:9000], id="truncated"),
        pytest.param(BOMB, id="30,000 x 30,000"),
    ],
)
async def test_refuses_what_is_no_photo_and_stays_open(content: bytes, site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()
    refused = await client.put(
        link,
        content=content,
        headers={"Content-Type": "image/jpeg", "Content-Disposition": 'attachment; filename="photo.jpg"'},
    )
    problem(refused, 422, "InvalidPhoto")
    assert (await site.row(upload_id)).stored_at is None
    problem(await client.get(site.links.photo(full_key(upload_id))), 404, "UnknownPhoto")
    assert (await client.put(link, content=jpeg())).status_code == 201


async def test_refuses_a_photo_that_is_announced_too_large_before_it_is_sent(site: Site) -> None:
    _, link = await site.announce()
    reader, writer = await asyncio.open_connection(*site.address)
    path = httpx.URL(link).raw_path
    writer.write(b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, 16_000_000))
    async with asyncio.timeout(10):
        assert b" 413 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_refuses_a_photo_that_turns_out_too_large(site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()

    async def twenty_megabytes() -> AsyncIterator[bytes]:
        yield jpeg()
        for _ in range(200):
            yield bytes(100_000)

    problem(await client.put(link, content=twenty_megabytes()), 413, "PhotoTooLarge")
    problem(await client.put(link, content=bytes(16_000_000)), 413, "PhotoTooLarge")
    assert (await site.row(upload_id)).stored_at is None


async def test_takes_a_photo_of_just_the_limit(site: Site, client: httpx.AsyncClient) -> None:
    _, link = await site.announce()
    photo = jpeg()
    assert (await client.put(link, content=photo + bytes(MAX_BYTES - len(photo)))).status_code == 201


async def test_refuses_a_forged_link(site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()
    other = Links("other", link.split("/uploads")[0])
    for forged in (other.upload(upload_id), link[:-1], link.replace("/uploads/", "/uploads/x")):
        problem(await client.put(forged, content=jpeg()), 403, "InvalidLink")
    problem(await client.get(other.photo(full_key(upload_id))), 403, "InvalidLink")
    problem(await client.get(link.replace("/uploads/", "/photos/")), 403, "InvalidLink")


async def test_refuses_a_link_of_yesterday(
    site: Site, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, _ = await site.announce()
    with monkeypatch.context() as yesterday:
        yesterday.setattr("time.time", (datetime.now(UTC) - timedelta(days=1)).timestamp)
        upload, photo = site.links.upload(upload_id), site.links.photo(full_key(upload_id))
    problem(await client.put(upload, content=jpeg()), 410, "LinkExpired")
    problem(await client.get(photo), 410, "LinkExpired")


async def test_refuses_an_upload_that_expired_or_is_forgotten(site: Site, client: httpx.AsyncClient) -> None:
    _, late = await site.announce(minutes=-1)
    problem(await client.put(late, content=jpeg()), 410, "LinkExpired")
    problem(await client.put(site.links.upload(uuid4()), content=jpeg()), 410, "LinkExpired")


async def test_a_photo_that_could_not_be_kept_can_be_sent_again(
    site: Site, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: PhotoStore, upload_id: UUID, photo: Prepared) -> None:
        raise OSError("No space left on device")

    upload_id, link = await site.announce()
    with monkeypatch.context() as failing:
        failing.setattr(PhotoStore, "put", full)
        assert (await client.put(link, content=jpeg())).status_code == 500
    assert (await site.row(upload_id)).stored_at is None
    assert (await client.put(link, content=jpeg())).status_code == 201


async def test_a_sender_who_leaves_halfway_does_no_harm(
    site: Site, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    _, link = await site.announce()
    _, writer = await asyncio.open_connection(*site.address)
    head = b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" % httpx.URL(link).raw_path
    writer.write(head + jpeg()[:1000])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await site.answered.wait()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert (await client.put(link, content=jpeg())).status_code == 201


async def test_other_methods_are_refused(site: Site, client: httpx.AsyncClient) -> None:
    upload_id, link = await site.announce()
    assert (await client.post(link, content=jpeg())).status_code == 405
    assert (await client.delete(site.links.photo(full_key(upload_id)))).status_code == 405
