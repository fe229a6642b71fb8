"""Room for a photo."""

from datetime import datetime
from typing import Annotated

import strawberry

from geo.usecases.create_upload import create_upload as create
from schema import problems as p
from schema.context import Info
from schema.inputs import INPUT, KEY
from schema.nodes import make_id


@strawberry.input(description="A photo to come.")
class CreateUploadInput:
    content_type: str = strawberry.field(description="`image/jpeg`, `image/png` or `image/webp`.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(
    description="Room for one photo. PUT the file to `url` (at most 15 MB) before `expiresAt`, then pass `uploadId` to "
    "`addEvidence`. The photo is stored without any metadata: no place, no camera, no time."
)
class UploadCreated:
    upload_id: strawberry.ID = strawberry.field(description="Pass it to `addEvidence`.")
    url: str = strawberry.field(description="Where to PUT the bytes of the photo. Needs no token.")
    expires_at: datetime = strawberry.field(description="Until when.")


CreateUploadResult = Annotated[
    UploadCreated | p.InvalidPhoto | p.NotPermitted | p.InvalidIdempotencyKey | p.IdempotencyKeyReused,
    strawberry.union("CreateUploadResult", description="Where to send the photo, or what was wrong."),
]


async def create_upload(info: Info, input: Annotated[CreateUploadInput, INPUT]) -> CreateUploadResult:
    """Get a URL to send a photo to."""
    c = info.context
    upload = await create(c.db, c.viewer, input.content_type, input.idempotency_key)
    return UploadCreated(
        upload_id=make_id("Upload", upload.id),
        url=c.services.links.upload(upload.id),
        expires_at=upload.expires_at,
    )
