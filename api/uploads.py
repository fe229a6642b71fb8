"""Photos over HTTP: PUT one to a signed link, GET one by another. Mistakes are answered as RFC 9457 problems."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from functools import wraps

from itsdangerous import BadData, SignatureExpired
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from geo import evidence, uploads
from geo.db import Database
from geo.errors import InvalidPhoto, UnknownUpload
from geo.links import PHOTO_LIFETIME, Links
from geo.models import Upload
from geo.photos import PhotoStore, upload_of

MAX_BYTES = 15 * 1024 * 1024
PHOTO_HEADERS = {
    "Cache-Control": f"private, max-age={PHOTO_LIFETIME.total_seconds():.0f}, immutable",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """What the caller is answered instead. `code` is a name as those in `geo.errors` are."""

    def __init__(self, status: int, code: str, title: str, detail: str, hint: str) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {
            "type": f"urn:bart:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "hint": hint,
        }


def _expired(detail: str) -> Refused:
    return Refused(410, "LinkExpired", "This link has expired.", detail, "Ask for a new one over GraphQL.")


def _too_large() -> Refused:
    limit = f"{MAX_BYTES // 2**20} MB"
    return Refused(413, "PhotoTooLarge", "This photo is too large.", f"It has more than {limit}.", f"At most {limit}.")


def _removed() -> Refused:
    return Refused(404, "UnknownPhoto", "There is no such photo.", "It has been removed.", "Read the report again.")


def _closed(upload: Upload) -> Refused:
    """Why an upload takes no photo any more."""
    if upload.stored_at is None:
        return _expired(f"It was open until {upload.expires_at:%Y-%m-%dT%H:%M:%SZ}.")
    return Refused(
        409,
        "AlreadyUploaded",
        "The photo of this upload has been received.",
        "A link takes one photo.",
        "Pass its uploadId to addEvidence, or create another upload.",
    )


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what it raises of the caller's mistakes turned into problem documents."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as error:
            refused = error
        except SignatureExpired:
            refused = _expired("Its time is over.")
        except BadData:
            refused = Refused(
                403,
                "InvalidLink",
                "This link was not made here.",
                "Its signature is wrong.",
                "Use the link as you received it, to the last character.",
            )
        except UnknownUpload as error:
            refused = _expired(error.message)
        except InvalidPhoto as error:
            refused = Refused(422, error.code, InvalidPhoto.__doc__ or "", error.message, error.hint)
        except ClientDisconnect:
            return Response(status_code=400)  # for the logs: there is nobody left to answer
        return JSONResponse(refused.body, refused.status, media_type="application/problem+json")

    return answer


async def _body(request: Request) -> bytes:
    """All that is sent, as long as that is little enough."""
    if int(request.headers.get("content-length", 0)) > MAX_BYTES:
        raise _too_large()
    received = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            received += chunk
            if len(received) > MAX_BYTES:
                raise _too_large()
    return bytes(received)


def routes(db: Database, photos: PhotoStore, links: Links) -> list[Route]:
    """`PUT /uploads/{token}` and `GET /photos/{token}`."""

    @_answering
    async def put_photo(request: Request) -> Response:
        upload_id = links.open_upload(request.path_params["token"])
        async with db.read_primary() as conn:
            upload = await uploads.by_id(conn, upload_id)
        if upload.stored_at is not None or upload.expires_at <= datetime.now(UTC):
            raise _closed(upload)
        photo = await photos.prepare(await _body(request))
        async with db.write() as conn:
            # Noted first, kept second, committed last: of two at once one is kept, and one that fails can come again.
            if not await uploads.stored(conn, upload_id, photo.width, photo.height):
                raise _closed(await uploads.by_id(conn, upload_id))
            await photos.put(upload_id, photo)
        return JSONResponse({"uploadId": str(upload_id), "width": photo.width, "height": photo.height}, 201)

    @_answering
    async def get_photo(request: Request) -> Response:
        link = links.open_photo(request.path_params["token"])
        async with db.read() as conn:
            if not link.even_hidden and await evidence.hides(conn, upload_of(link.key)):
                raise _removed()
        try:
            photo = await photos.get(link.key)
        except FileNotFoundError:
            raise _removed() from None
        return Response(photo, media_type="image/jpeg", headers=PHOTO_HEADERS)

    return [
        Route("/uploads/{token}", put_photo, methods=["PUT"]),
        Route("/photos/{token}", get_photo, methods=["GET"]),
    ]
