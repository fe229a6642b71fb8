"""Following a report or an area."""

from typing import Annotated
from uuid import UUID

import strawberry

from geo.errors import InvalidArea
from geo.models import Area as AreaRecord
from geo.models import Report as ReportRecord
from geo.usecases import follow as follow_usecase
from geo.usecases import unfollow as unfollow_usecase
from schema import problems as p
from schema.areas import Area
from schema.context import Info
from schema.inputs import INPUT, KEY
from schema.nodes import read_uuid
from schema.reports import Report


@strawberry.input(one_of=True, description='Exactly one of these. Example: `{code: "WK051829"}`.')
class FollowTarget:
    report_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The id of a report.")
    code: strawberry.Maybe[str] = strawberry.field(description="The code of an area of any level.")

    def read(self) -> UUID | str:
        """Raises `InvalidId`."""
        if self.report_id:
            return read_uuid(self.report_id.value, "Report", ("input", "target", "reportId"))
        if self.code:
            return self.code.value
        raise InvalidArea(path=("input", "target"), hint="Give a reportId or a code.")


@strawberry.input(description="What to be told of.")
class FollowInput:
    target: FollowTarget = strawberry.field(
        description="A report, of which every change is told; or an area, of which new reports, solutions and alerts "
        "are."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="What not to be told of any more.")
class UnfollowInput:
    target: FollowTarget = strawberry.field(description="A report or an area.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="The caller follows it from now on.")
class Followed:
    report: Report | None = strawberry.field(description="The report; null for an area.")
    area: Area | None = strawberry.field(description="The area, the one in force that the code leads to.")


@strawberry.type(description="The caller follows it no longer, but stays involved in a report it has more to do with.")
class Unfollowed:
    report: Report | None = strawberry.field(description="The report; null for an area.")
    area: Area | None = strawberry.field(description="The area, the one in force that the code leads to.")


FollowResult = Annotated[
    Followed
    | p.InvalidId
    | p.UnknownReport
    | p.UnknownArea
    | p.InvalidArea
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("FollowResult", description="It is followed, or what was wrong."),
]
UnfollowResult = Annotated[
    Unfollowed
    | p.InvalidId
    | p.UnknownReport
    | p.UnknownArea
    | p.InvalidArea
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("UnfollowResult", description="It is followed no longer, or what was wrong."),
]


async def follow(info: Info, input: Annotated[FollowInput, INPUT]) -> FollowResult:
    """Be told of what happens to a report, or in an area."""
    c = info.context
    found = await follow_usecase.follow(c.db, c.viewer, input.target.read(), input.idempotency_key)
    return Followed(report=_report(found), area=_area(found))


async def unfollow(info: Info, input: Annotated[UnfollowInput, INPUT]) -> UnfollowResult:
    """Be told no longer."""
    c = info.context
    found = await unfollow_usecase.unfollow(c.db, c.viewer, input.target.read(), input.idempotency_key)
    return Unfollowed(report=_report(found), area=_area(found))


def _report(found: ReportRecord | AreaRecord) -> Report | None:
    return Report(record=found) if isinstance(found, ReportRecord) else None


def _area(found: ReportRecord | AreaRecord) -> Area | None:
    return Area(record=found) if isinstance(found, AreaRecord) else None
