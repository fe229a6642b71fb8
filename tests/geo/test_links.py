import time
from uuid import uuid4

import pytest
from itsdangerous import BadData, SignatureExpired

from geo.links import Links

LINKS = Links("secret", "https://bart.example/")


def token(url: str) -> str:
    return url.rsplit("/", 1)[1]


def at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(time, "time", lambda: seconds)


def test_reads_back_what_it_made() -> None:
    upload_id = uuid4()
    upload, photo = LINKS.upload(upload_id), LINKS.photo("photos/a.jpg")
    assert upload.startswith("https://bart.example/uploads/")
    assert photo.startswith("https://bart.example/photos/")
    assert LINKS.open_upload(token(upload)) == upload_id
    assert LINKS.open_photo(token(photo)) == ("photos/a.jpg", False)


FORGED = ("", "x", "a.b.c", token(Links("other", "").upload(uuid4())), "é.é.é")


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_refuses_what_it_did_not_make(forged: str) -> None:
    for opened in (LINKS.open_upload, LINKS.open_photo):
        with pytest.raises(BadData):
            opened(forged)


def test_a_link_to_see_does_not_allow_to_send() -> None:
    with pytest.raises(BadData):
        LINKS.open_upload(token(LINKS.photo(str(uuid4()))))
    with pytest.raises(BadData):
        LINKS.open_photo(token(LINKS.upload(uuid4())))


def test_links_end(monkeypatch: pytest.MonkeyPatch) -> None:
    start = 1_800_000_000.0
    at(monkeypatch, start)
    upload, photo = token(LINKS.upload(uuid4())), token(LINKS.photo("k"))
    at(monkeypatch, start + 14 * 60)
    LINKS.open_upload(upload)
    at(monkeypatch, start + 16 * 60)
    with pytest.raises(SignatureExpired):
        LINKS.open_upload(upload)
    at(monkeypatch, start + 59 * 60)
    LINKS.open_photo(photo)
    at(monkeypatch, start + 70 * 60)
    with pytest.raises(SignatureExpired):
        LINKS.open_photo(photo)


def test_a_photo_keeps_its_link_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1_800_000_000)
    first = LINKS.photo("k")
    at(monkeypatch, 1_800_000_299)
    assert LINKS.photo("k") == first
    at(monkeypatch, 1_800_000_300)
    assert LINKS.photo("k") != first
