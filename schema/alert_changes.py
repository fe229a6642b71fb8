"""Publishing alerts, and answering them. Each mutation answers with what it made, or with a named problem."""

from datetime import datetime
from typing import Annotated

import strawberry

from geo.usecases import answer_alert as answer_usecase
from geo.usecases import publish_alert as publish_usecase
from geo.usecases import update_alert as update_usecase
from geo.usecases import withdraw_alert as withdraw_usecase
from schema import problems as p
from schema.alert_events import AlertPublished, AlertUpdated, AlertWithdrawn
from schema.areas import AreaInput
from schema.context import Info
from schema.enums import Severity
from schema.inputs import INPUT, KEY
from schema.nodes import read_uuid
from schema.points import PointInput

ALERT_ID = "The id of the alert."
VALID_UNTIL = 'Until when it is in force, at most 30 days from now. Example: `"2026-11-24T23:00:00+01:00"`.'


@strawberry.input(description="What an area is to be told.")
class PublishAlertInput:
    area: AreaInput = strawberry.field(
        description="Where it is for, wholly within the caller's territory. Of a circle the polygon just around it."
    )
    severity: Severity = strawberry.field(description="How serious it is.")
    text: str = strawberry.field(description="What is the matter, at most 4000 characters of plain text.")
    advice: str | None = strawberry.field(
        default=None, description="What to do, or not to do; at most 4000 characters of plain text."
    )
    valid_until: datetime = strawberry.field(description=VALID_UNTIL)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="What is to read otherwise in an alert. The rest stays as it is.")
class UpdateAlertInput:
    alert_id: strawberry.ID = strawberry.field(description=ALERT_ID)
    severity: Severity | None = strawberry.field(default=None, description="How serious it is now.")
    text: str | None = strawberry.field(default=None, description="What is the matter now.")
    advice: strawberry.Maybe[str | None] = strawberry.field(description="What to do now; null takes the advice away.")
    valid_until: datetime | None = strawberry.field(default=None, description=VALID_UNTIL)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An alert that is not to be in force any more.")
class WithdrawAlertInput:
    alert_id: strawberry.ID = strawberry.field(description=ALERT_ID)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="What somebody saw. Only the authority that published the alert reads it.")
class AnswerAlertInput:
    alert_id: strawberry.ID = strawberry.field(description=ALERT_ID)
    text: str = strawberry.field(description="What was seen, at most 4000 characters of plain text.")
    location: PointInput | None = strawberry.field(default=None, description="Where it was seen.")
    upload_id: strawberry.ID | None = strawberry.field(
        default=None, description="The `uploadId` of `createUpload`, after the photo was PUT to its URL."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="The answer was received. Nobody but the authority that published the alert learns of it.")
class AlertAnswered:
    alert_id: strawberry.ID = strawberry.field(description=ALERT_ID)


PublishAlertResult = Annotated[
    AlertPublished
    | p.InvalidText
    | p.InvalidPeriod
    | p.InvalidArea
    | p.InvalidLocation
    | p.UnknownArea
    | p.OutsideKnownArea
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("PublishAlertResult", description="The alert was published, or what was wrong."),
]
UpdateAlertResult = Annotated[
    AlertUpdated
    | p.InvalidText
    | p.InvalidPeriod
    | p.InvalidId
    | p.UnknownAlert
    | p.AlertEnded
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("UpdateAlertResult", description="The alert was updated, or what was wrong."),
]
WithdrawAlertResult = Annotated[
    AlertWithdrawn
    | p.InvalidId
    | p.UnknownAlert
    | p.AlertEnded
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("WithdrawAlertResult", description="The alert was withdrawn, or what was wrong."),
]
AnswerAlertResult = Annotated[
    AlertAnswered
    | p.InvalidText
    | p.InvalidLocation
    | p.InvalidId
    | p.UnknownAlert
    | p.AlertEnded
    | p.UnknownUpload
    | p.UploadNotReady
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("AnswerAlertResult", description="The answer was received, or what was wrong."),
]


async def publish_alert(info: Info, input: Annotated[PublishAlertInput, INPUT]) -> PublishAlertResult:
    """Tell an area something; for authorities, within their own territory."""
    area = input.area.code.value if input.area.code else input.area.shape(("input", "area"))
    draft = publish_usecase.AlertDraft(area, input.severity, input.text, input.advice, input.valid_until)
    c = info.context
    return AlertPublished.of(await publish_usecase.publish_alert(c.db, c.viewer, draft, input.idempotency_key))


async def update_alert(info: Info, input: Annotated[UpdateAlertInput, INPUT]) -> UpdateAlertResult:
    """Say an alert otherwise, or change until when it is in force; for the organisation that published it."""
    alert_id = read_uuid(input.alert_id, "Alert", ("input", "alertId"))
    given = {"severity": input.severity, "text": input.text, "valid_until": input.valid_until}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if input.advice:
        changes["advice"] = input.advice.value
    c = info.context
    return AlertUpdated.of(await update_usecase.update_alert(c.db, c.viewer, alert_id, changes, input.idempotency_key))


async def withdraw_alert(info: Info, input: Annotated[WithdrawAlertInput, INPUT]) -> WithdrawAlertResult:
    """End an alert before its time is over; for the organisation that published it."""
    alert_id = read_uuid(input.alert_id, "Alert", ("input", "alertId"))
    c = info.context
    return AlertWithdrawn.of(await withdraw_usecase.withdraw_alert(c.db, c.viewer, alert_id, input.idempotency_key))


async def answer_alert(info: Info, input: Annotated[AnswerAlertInput, INPUT]) -> AnswerAlertResult:
    """Tell the authority that published an alert what you saw."""
    draft = answer_usecase.AnswerDraft(
        read_uuid(input.alert_id, "Alert", ("input", "alertId")),
        input.text,
        None if input.location is None else (input.location.lon, input.location.lat),
        None if input.upload_id is None else read_uuid(input.upload_id, "Upload", ("input", "uploadId")),
    )
    c = info.context
    await answer_usecase.answer_alert(c.db, c.viewer, draft, input.idempotency_key)
    return AlertAnswered(alert_id=input.alert_id)
