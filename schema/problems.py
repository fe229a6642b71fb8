"""Named problems: members of the mutations' result unions, and `extensions.code` of other errors."""

from typing import Any

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension

from geo import errors
from schema.enums import ReportStatus


@strawberry.interface(description="Something was wrong with the input. Nothing was stored or changed.")
class Problem:
    code: str = strawberry.field(description="The name of the problem, the same as its type.")
    message: str = strawberry.field(description="What was wrong, in English, for developers.")
    path: list[str] = strawberry.field(
        description='Where: the way into the arguments. Example: `["input", "location"]`.'
    )
    hint: str = strawberry.field(description="What would be right.")


@strawberry.type(description="The coordinates are not a place on earth (WGS84 degrees, longitude first).")
class InvalidLocation(Problem):
    pass


@strawberry.type(
    description="The place lies outside every municipality known here, or has longitude and latitude swapped."
)
class OutsideKnownArea(Problem):
    pass


@strawberry.type(description="The text is empty, longer than 4000 characters, or has characters that nobody sees.")
class InvalidText(Problem):
    pass


@strawberry.type(description="There is no such category; `categories` lists them.")
class UnknownCategory(Problem):
    pass


@strawberry.type(
    description="There is no such report, or it is not for the caller to see; which of the two is not told."
)
class UnknownReport(Problem):
    pass


@strawberry.type(description="The id is not one that this API gave out for this type.")
class InvalidId(Problem):
    pass


@strawberry.type(description="There is no such upload of the caller's, or its photo is evidence already.")
class UnknownUpload(Problem):
    pass


@strawberry.type(description="The photo has not been PUT to the upload's URL yet.")
class UploadNotReady(Problem):
    pass


@strawberry.type(description="Evidence needs a remark, a photo, or both.")
class InvalidEvidence(Problem):
    pass


@strawberry.type(description="This kind of file is not taken as a photo.")
class InvalidPhoto(Problem):
    pass


@strawberry.type(description="The report can't go to this status from where it is.")
class TransitionNotAllowed(Problem):
    allowed: list[ReportStatus] = strawberry.field(description="The statuses that the caller may choose now.")


@strawberry.type(description="The caller may not do this.")
class NotPermitted(Problem):
    pass


@strawberry.type(description="An idempotency key has 16 to 128 visible ASCII characters; a new UUID is a good one.")
class InvalidIdempotencyKey(Problem):
    pass


@strawberry.type(description="The same idempotency key came before with other input.")
class IdempotencyKeyReused(Problem):
    pass


class NamedProblems(FieldExtension):
    """Turns a problem that a mutation raises into the member of its result union."""

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Any, **kwargs: Any) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except errors.Problem as problem:
            if problem.code not in _NAMED:
                raise
            return _member(problem)


def _member(problem: errors.Problem) -> Problem:
    extra: dict[str, Any] = {}
    if isinstance(problem, errors.TransitionNotAllowed):
        extra["allowed"] = list(problem.allowed)
    return _NAMED[problem.code](
        code=problem.code,
        message=problem.message,
        path=[str(step) for step in problem.path],
        hint=problem.hint,
        **extra,
    )


_NAMED: dict[str, type[Problem]] = {kind.__name__: kind for kind in Problem.__subclasses__()}
