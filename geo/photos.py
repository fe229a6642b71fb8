"""Photos: made safe to show, and kept in a folder or in S3.

What residents send is never served. It is decoded, turned upright, and encoded anew, so that the place where a
photo was taken, the camera's owner, and whatever else a file can hide stay behind.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from obstore.store import LocalStore, from_url
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from geo.errors import InvalidPhoto

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000
MAX_SCANS = 400  # a progressive JPEG has about ten; the video behind a motion photo looks like some 200 more
FULL = 2560
THUMBNAIL = 320
QUALITY = 85
DECODERS = 2  # a photo of 50 megapixels takes some 200 MB while it is decoded


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo that is safe to show: two JPEGs without metadata, in sRGB. `width` and `height` are those of `full`."""

    full: bytes
    thumbnail: bytes
    width: int
    height: int


def prepare(data: bytes) -> Prepared:
    """Decode what was sent and encode it anew, at most 2560 pixels long, its thumbnail 320.

    Raises `InvalidPhoto` for any bytes that are not a whole JPEG, PNG or WebP of at most 50 megapixels.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as sent:
            _check_size(sent.width, sent.height)
            _check_scans(data)
            full = _shown(sent)
    except InvalidPhoto:
        raise
    except UnidentifiedImageError as error:
        raise InvalidPhoto(
            "This is not a JPEG, PNG or WebP image.",
            hint="Send the bytes of the photo itself, and nothing around them; a file's name says nothing.",
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large("This photo has far too many pixels.") from error
    except Exception as error:  # decoders raise whatever they stumble over: ValueError, struct.error, SyntaxError, …
        raise InvalidPhoto(
            "This photo is damaged or incomplete.", hint="Send the whole file once more, as the camera made it."
        ) from error
    thumbnail = full.copy()
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    return Prepared(_jpeg(full), _jpeg(thumbnail), full.width, full.height)


def _too_large(what: str) -> InvalidPhoto:
    return InvalidPhoto(what, hint=f"At most {MAX_PIXELS // 1_000_000} megapixels: make it smaller.")


def _check_size(width: int, height: int) -> None:
    """Refuse by the header alone: 30,000 x 30,000 pixels fit in a few kilobytes and decode to gigabytes."""
    if width * height > MAX_PIXELS:
        raise _too_large(f"This photo has {width} x {height} pixels.")


def _check_scans(data: bytes) -> None:
    """A progressive JPEG may pass over all its pixels again for every 75 bytes, which is an hour for 15 MB."""
    if (scans := data.count(b"\xff\xda")) > MAX_SCANS and data.startswith(b"\xff\xd8"):
        raise InvalidPhoto(
            f"This photo is encoded in {scans} scans.", hint=f"At most {MAX_SCANS}: save it as an ordinary JPEG."
        )


def _shown(sent: Image.Image) -> Image.Image:
    """The first frame as people see it: upright, opaque on white, in sRGB, no longer than `FULL`."""
    image = sent
    if sent.has_transparency_data:
        image = sent.convert("RGBA")
    elif sent.mode not in ("L", "RGB", "CMYK"):
        image = sent.convert("RGB")
    image.thumbnail((FULL, FULL))
    ImageOps.exif_transpose(image, in_place=True)
    shown = Image.new("RGB", image.size, "white")
    shown.paste(image.convert("RGB"), mask=image.getchannel("A") if image.mode == "RGBA" else None)
    if profile := image.info.get("icc_profile"):
        _to_srgb(shown, profile)
    return shown


def _to_srgb(image: Image.Image, profile: bytes) -> None:
    """Phones photograph in wider colours than browsers assume for a JPEG without a profile."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), inPlace=True)
    except (OSError, ImageCms.PyCMSError):
        return  # a broken profile, or one of grey or ink: the colours then are what a viewer without profiles shows


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def full_key(upload_id: UUID) -> str:
    """Where the store keeps the photo of an upload."""
    return f"photos/{upload_id}.jpg"


def thumbnail_key(upload_id: UUID) -> str:
    return f"photos/{upload_id}.thumb.jpg"


def upload_of(key: str) -> UUID:
    """The upload whose photo the store keeps there."""
    return UUID(key.removeprefix("photos/").partition(".")[0])


class PhotoStore:
    """The photos, behind a URL: `file:///folder` (made when missing), `s3://bucket/prefix`, `memory:///`."""

    def __init__(self, url: str) -> None:
        self._store = LocalStore.from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="photo")

    async def prepare(self, data: bytes) -> Prepared:
        """`prepare` beside the event loop, a few at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, prepare, data)

    async def put(self, upload_id: UUID, photo: Prepared) -> None:
        """Keep both sizes, each whole or not at all; a second time replaces the first."""
        await asyncio.gather(
            self._store.put_async(full_key(upload_id), photo.full),
            self._store.put_async(thumbnail_key(upload_id), photo.thumbnail),
        )

    async def get(self, key: str) -> bytes:
        """The JPEG under a key; raises `FileNotFoundError`."""
        found = await self._store.get_async(key)
        return bytes(await found.bytes_async())

    async def delete(self, upload_id: UUID) -> None:
        """Forget both sizes; one that is not there is fine."""
        for key in (full_key(upload_id), thumbnail_key(upload_id)):
            with suppress(FileNotFoundError):  # a folder raises it, S3 does not
                await self._store.delete_async(key)
