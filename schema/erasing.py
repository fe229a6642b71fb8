"""Erasing what somebody wrote, and that it was them."""

from collections import Counter
from typing import Annotated

import strawberry

from geo.errors import InvalidId
from geo.usecases import withdraw_consent as usecase
from schema import problems as p
from schema.context import Info
from schema.inputs import INPUT, REPORT_ID
from schema.messages import EXTERNAL_ID, SOURCE
from schema.nodes import read_uuid


@strawberry.type(description="Things of one kind that were erased.")
class ErasedCount:
    what: str = strawberry.field(description="What they were. Example: `photos`.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(
    description="It is erased: from every table, the history, the answers that are kept for retries, memory, and the "
    "photo store. Whoever was sent it live gets `Erased`. Back-ups forget it when they expire."
)
class ErasureDone:
    erased: list[ErasedCount] = strawberry.field(description="What was erased, and how much of each.")


@strawberry.input(description="Whose consent ends: of one message, or of all of an author's.")
class WithdrawConsentInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    external_id: str | None = strawberry.field(default=None, description=EXTERNAL_ID)
    author: str | None = strawberry.field(default=None, description="Or the author: all that they wrote is erased.")


@strawberry.input(description="A message that was deleted where it was written.")
class DeleteMessageInput:
    source: str = strawberry.field(description=SOURCE)
    external_id: str = strawberry.field(description=EXTERNAL_ID)


@strawberry.input(one_of=True, description="From where the caller takes back its part: exactly one of these.")
class EraseContributionInput:
    report_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description=REPORT_ID)
    alert_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="The id of an alert that the caller answered."
    )


WithdrawConsentResult = Annotated[
    ErasureDone | p.UnknownMessage | p.NotPermitted,
    strawberry.union("WithdrawConsentResult", description="What was erased, or what was wrong."),
]
DeleteMessageResult = Annotated[
    ErasureDone | p.UnknownMessage | p.NotPermitted,
    strawberry.union("DeleteMessageResult", description="What was erased, or what was wrong."),
]
EraseContributionResult = Annotated[
    ErasureDone | p.InvalidId | p.UnknownReport | p.NotPermitted,
    strawberry.union("EraseContributionResult", description="What was erased, or what was wrong."),
]


async def withdraw_consent(info: Info, input: Annotated[WithdrawConsentInput, INPUT]) -> WithdrawConsentResult:
    """Erase what was passed on, and all that was made of it, since its author takes the consent back."""
    c = info.context
    return _done(
        await usecase.withdraw_consent(c.db, c.services.photos, c.viewer, input.source, input.external_id, input.author)
    )


async def delete_message(info: Info, input: Annotated[DeleteMessageInput, INPUT]) -> DeleteMessageResult:
    """Follow the deletion of a message at its source: the same as withdrawing the consent for it."""
    c = info.context
    return _done(
        await usecase.withdraw_consent(c.db, c.services.photos, c.viewer, input.source, input.external_id, None)
    )


async def erase_contribution(info: Info, input: Annotated[EraseContributionInput, INPUT]) -> EraseContributionResult:
    """Erase the caller's own part in a report (its text for whoever reported it, evidence, and that it was them), or
    what it answered to an alert."""
    c = info.context
    if input.alert_id:
        alert_id = read_uuid(input.alert_id.value, "Alert", ("input", "alertId"))
        return _done(await usecase.erase_answers(c.db, c.services.photos, c.viewer, alert_id))
    if input.report_id:
        report_id = read_uuid(input.report_id.value, "Report", ("input", "reportId"))
        return _done(await usecase.erase_contribution(c.db, c.services.photos, c.viewer, report_id))
    raise InvalidId(path=("input",), hint="Give a `reportId` or an `alertId`.")


def _done(counts: Counter[str]) -> ErasureDone:
    return ErasureDone(erased=[ErasedCount(what=what, count=count) for what, count in sorted(counts.items())])
