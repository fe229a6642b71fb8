"""Answer an alert with what was seen. Only its publisher reads it: there is no event of it."""

from dataclasses import dataclass
from uuid import UUID

from geo import alert_answers, alerts, idempotency, uploads
from geo.db import Database
from geo.geometry import check_point
from geo.models import Point
from geo.texts import check_text
from geo.viewer import Viewer


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """What somebody saw; `location` is (lon, lat) as it was given."""

    alert_id: UUID
    text: str
    location: tuple[float, float] | None
    upload_id: UUID | None


async def answer_alert(db: Database, viewer: Viewer, draft: AnswerDraft, idempotency_key: str | None) -> None:
    """Keep an answer, once for one key.

    Raises `UnknownAlert`, `AlertEnded`, `InvalidText`, `InvalidLocation`, `UnknownUpload`, `UploadNotReady`,
    `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    text = check_text(draft.text, ("input", "text"))
    location: Point | None = draft.location and check_point(*draft.location, ("input", "location"))
    once = idempotency.Once(viewer, idempotency_key, "answerAlert", draft)
    async with db.write() as conn:
        if await once.earlier(conn):
            return
        alert = await alerts.check_active(conn, draft.alert_id, ("input", "alertId"))
        if draft.upload_id is not None:
            await uploads.claim(conn, party, draft.upload_id, ("input", "uploadId"))
        answer = await alert_answers.add(
            conn, alert.id, party=party, text=text, location=location, upload_id=draft.upload_id
        )
        await once.done(conn, answer.id)
