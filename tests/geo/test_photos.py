import asyncio
import struct
import threading
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageFile

from geo import photos
from geo.errors import InvalidPhoto
from geo.photos import DECODERS, PhotoStore, full_key, prepare, thumbnail_key

CORNERS = {(0, 0): "red", (1, 0): "lime", (0, 1): "blue", (1, 1): "black"}


def encoded(image: Image.Image, format: str = "JPEG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 60).convert("RGB")


def decoded(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data), formats=["JPEG"])


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 12 for a, b in zip(pixel, colour, strict=True))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")


def jpeg_bomb(side: int) -> bytes:
    small = encoded(Image.new("RGB", (8, 8)))
    frame = small.index(b"\xff\xc0") + 5
    return small[:frame] + struct.pack(">HH", side, side) + small[frame + 4 :]


def webp_bomb(side: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + struct.pack("<I", side - 1)[:3] * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_shrinks_and_keeps_the_shape() -> None:
    photo = prepare(encoded(noise(4000, 3000)))
    assert (photo.width, photo.height) == decoded(photo.full).size == (2560, 1920)
    assert decoded(photo.thumbnail).size == (320, 240)


def test_does_not_enlarge() -> None:
    photo = prepare(encoded(noise(200, 100), "PNG"))
    assert decoded(photo.full).size == decoded(photo.thumbnail).size == (200, 100)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_tells_nothing_of_where_when_and_with_what(format: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Fotohuis"
    exif[ExifTags.Base.Artist] = "Jansen"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (52.0, 4.0, 13.0), 3: "E", 4: (4.0, 18.0, 2.0)})
    options: dict[str, object] = {
        "exif": exif,
        "xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>Jansen</x:xmpmeta>",
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    }
    sent = encoded(noise(400, 300), format, **options, **({"comment": b"Jansen"} if format == "JPEG" else {}))
    assert Image.open(BytesIO(sent)).getexif().get_ifd(ExifTags.IFD.GPSInfo)[4] == (4.0, 18.0, 2.0)

    photo = prepare(sent)
    for jpeg in (photo.full, photo.thumbnail):
        image = decoded(jpeg)
        assert not image.getexif()
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        for trace in (b"Exif", b"Jansen", b"Fotohuis", b"adobe", b"ICC_PROFILE"):
            assert trace not in jpeg


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_turns_upright(orientation: int, undo: Image.Transpose | None, format: str) -> None:
    upright = Image.new("RGB", (320, 160))
    for (right, low), colour in CORNERS.items():
        upright.paste(colour, (160 * right, 80 * low, 160 * (right + 1), 80 * (low + 1)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    held = upright if undo is None else upright.transpose(undo)

    photo = prepare(encoded(held, format, exif=exif))
    assert (photo.width, photo.height) == (320, 160)
    for jpeg in (photo.full, photo.thumbnail):
        for spot in ((40, 40), (280, 40), (40, 120), (280, 120)):
            assert near(decoded(jpeg).getpixel(spot), upright.getpixel(spot))  # type: ignore[arg-type]


def test_puts_what_is_see_through_on_white() -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 32, 64))
    shown = decoded(prepare(encoded(image, "PNG")).full)
    assert near(shown.getpixel((8, 32)), (255, 0, 0))
    assert near(shown.getpixel((56, 32)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16"])
def test_takes_every_kind_of_pixel(mode: str) -> None:
    photo = prepare(encoded(Image.new(mode, (3000, 30)), "JPEG" if mode == "CMYK" else "PNG"))
    assert decoded(photo.full).mode == "RGB"
    assert photo.width == 2560


def test_brings_colours_to_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    red = Image.new("RGB", (32, 32), "red")
    assert near(decoded(prepare(encoded(red, icc_profile=swapped)).full).getpixel((16, 16)), (0, 0, 255))
    assert near(decoded(prepare(encoded(red, icc_profile=b"broken")).full).getpixel((16, 16)), (255, 0, 0))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_shows_the_first_frame_of_an_animation(format: str) -> None:
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    sent = encoded(red, format, save_all=True, append_images=[blue])
    assert near(decoded(prepare(sent).full).getpixel((16, 16)), (255, 0, 0))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<!doctype html><title>Foto</title><script>alert(1)</script>", id="html"),
        pytest.param(b"%PDF-1.7\n" + bytes(100), id="pdf"),
        pytest.param(encoded(noise(20, 20), "GIF"), id="gif"),
        pytest.param(encoded(noise(20, 20), "TIFF"), id="tiff"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg"/>', id="svg"),
    ],
)
def test_refuses_what_is_no_photo(data: bytes) -> None:
    with pytest.raises(InvalidPhoto, match="not a JPEG, PNG or WebP") as refused:
        prepare(data)
    assert refused.value.hint


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_refuses_half_a_photo(format: str) -> None:
    whole = encoded(noise(400, 300), format)
    with pytest.raises(InvalidPhoto) as refused:
        prepare(whole[: len(whole) // 2])
    assert refused.value.hint
    assert prepare(whole).width == 400


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(png_bomb(30_000), id="png"),
        pytest.param(jpeg_bomb(30_000), id="jpeg"),
        pytest.param(webp_bomb(16_000), id="webp"),
        pytest.param(png_bomb(7_100), id="png just too large"),
        pytest.param(jpeg_bomb(7_100), id="jpeg just too large"),
        pytest.param(jpeg_bomb(11_000), id="jpeg that Pillow warns of"),
    ],
)
def test_refuses_a_bomb_without_decoding_it(bomb: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    with pytest.raises(InvalidPhoto) as refused:
        prepare(bomb)
    assert "50 megapixels" in refused.value.hint


def test_refuses_a_jpeg_of_endless_scans() -> None:
    progressive = encoded(noise(64, 64), progressive=True)
    last = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(InvalidPhoto, match="scans"):
        prepare(progressive[:-2] + last * 500 + progressive[-2:])
    assert prepare(progressive).width == 64


WHOLE = [encoded(noise(40, 30), kind) for kind in ("JPEG", "PNG", "WEBP")]


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=2000),
        st.builds(
            lambda whole, cut, length, junk: whole[:cut] + junk + whole[cut + length :],
            st.sampled_from(WHOLE),
            st.integers(0, 2000),
            st.integers(0, 50),
            st.binary(max_size=50),
        ),
    )
)
@example(WHOLE[0][:20])
@example(b"\x89PNG\r\n\x1a\n")
@example(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", b""))
@example(b"RIFF\x04\x00\x00\x00WEBPVP8X")
def test_any_bytes_are_a_photo_or_a_named_problem(data: bytes) -> None:
    with suppress(InvalidPhoto):
        photo = prepare(data)
        assert decoded(photo.full).size == (photo.width, photo.height)


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PhotoStore:
    return PhotoStore("memory:///" if request.param == "memory" else (tmp_path / "a folder" / "photos").as_uri())


@pytest.mark.anyio
async def test_keeps_both_sizes_until_told_to_forget(store: PhotoStore) -> None:
    upload_id = uuid4()
    photo = prepare(WHOLE[0])
    await store.put(upload_id, photo)
    assert await store.get(full_key(upload_id)) == photo.full
    assert await store.get(thumbnail_key(upload_id)) == photo.thumbnail
    await store.delete(upload_id)
    for key in (full_key(upload_id), thumbnail_key(upload_id)):
        with pytest.raises(FileNotFoundError):
            await store.get(key)
    await store.delete(upload_id)


@pytest.mark.anyio
async def test_decodes_beside_the_event_loop() -> None:
    preparing = asyncio.create_task(PhotoStore("memory:///").prepare(encoded(noise(3000, 2000))))
    turns = 0
    while not preparing.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await preparing).width == 2560
    assert turns > 10


@pytest.mark.anyio
async def test_decodes_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, running, peak = threading.Lock(), 0, 0

    def counted(data: bytes) -> photos.Prepared:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        try:
            return prepare(data)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(photos, "prepare", counted)
    store, data = PhotoStore("memory:///"), encoded(noise(1000, 1000))
    await asyncio.gather(*(store.prepare(data) for _ in range(3 * DECODERS)))
    assert peak == DECODERS
