"""Named problems: members of the mutations' result unions, and `extensions.code` of other errors."""

from typing import Any

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension

from geo import errors
from schema.enums import PersonalData, ReportStatus


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


@strawberry.type(description="The box, polygon or circle can't be used.")
class InvalidArea(Problem):
    pass


@strawberry.type(description="No area has this code; `areas` lists them.")
class UnknownArea(Problem):
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


@strawberry.type(description="The message came without the consent of its author: nothing of it was kept.")
class ConsentMissing(Problem):
    pass


@strawberry.type(description="There is no such message of the caller's organisation.")
class UnknownMessage(Problem):
    pass


@strawberry.type(description="Where a text tells of a person, and what.")
class Finding:
    kind: PersonalData = strawberry.field(description="What it is.")
    start: int = strawberry.field(description="Its first character, counted from 0 in the text as it was sent.")
    end: int = strawberry.field(description="The character behind its last.")


@strawberry.type(
    description="The text has phone numbers, e-mail addresses, licence plates or citizen service numbers. Let the "
    "writer rephrase it, or send it again with `maskPersonalData: true`: then the public sees it masked."
)
class PersonalDataFound(Problem):
    findings: list[Finding] = strawberry.field(description="Each of them, in the order of the text.")


@strawberry.type(description="There is no such piece of evidence, or it is not for the caller to see.")
class UnknownEvidence(Problem):
    pass


@strawberry.type(description="A correction gives a place, a category, or both, other than the report has.")
class InvalidCorrection(Problem):
    pass


@strawberry.type(description="A measurement has a quantity, a finite value, and a unit.")
class InvalidMeasurement(Problem):
    pass


@strawberry.type(description="Residents should not do this themselves, or it is not open for it now.")
class NotAdoptable(Problem):
    pass


@strawberry.type(description="Nobody has adopted the report now, or it is not the caller who has.")
class NotAdopted(Problem):
    pass


@strawberry.type(description="The time is past, too far ahead, or has no offset.")
class InvalidPeriod(Problem):
    pass


@strawberry.type(description="Only a resolved report can be judged.")
class NotResolved(Problem):
    pass


@strawberry.type(description="The time in which the involved could judge the resolution has passed.")
class FeedbackClosed(Problem):
    pass


@strawberry.type(description="A score is a whole number from 1 to 5.")
class InvalidScore(Problem):
    pass


@strawberry.type(
    description="The two reports are the same, differ in who may see them, or one is merged already; or, where a merge "
    "is to be undone, a later one has to be undone first."
)
class MergeNotPossible(Problem):
    pass


@strawberry.type(description="The report was not merged within the last day: there is nothing to undo.")
class NotMerged(Problem):
    pass


@strawberry.type(description="There is no such alert.")
class UnknownAlert(Problem):
    pass


@strawberry.type(description="The alert was withdrawn, or its time has passed.")
class AlertEnded(Problem):
    pass


@strawberry.type(description="The e-mail address or telephone number is not one.")
class InvalidContact(Problem):
    pass


@strawberry.type(description="The hours, or the way to be mailed without an address, can't be used.")
class InvalidPreferences(Problem):
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
    if isinstance(problem, errors.PersonalDataFound):
        extra["findings"] = [Finding(kind=found.kind, start=found.start, end=found.end) for found in problem.findings]
    return _NAMED[problem.code](
        code=problem.code,
        message=problem.message,
        path=[str(step) for step in problem.path],
        hint=problem.hint,
        **extra,
    )


_NAMED: dict[str, type[Problem]] = {kind.__name__: kind for kind in Problem.__subclasses__()}
