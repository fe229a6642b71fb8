"""The mistakes a caller can make, each with a name. The docstring of a problem is its message.

Mutations answer with them as members of their result union; queries and subscriptions as GraphQL errors whose
`extensions.code` is the same name.
"""

from collections.abc import Sequence
from typing import Any


class Problem(Exception):
    """Something was wrong with the request."""

    def __init__(self, message: str | None = None, *, path: Sequence[str | int] = (), hint: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.path = tuple(path)
        self.hint = hint

    @property
    def code(self) -> str:
        return type(self).__name__

    @property
    def message(self) -> str:
        return str(self)


class InvalidLocation(Problem):
    """This is not a place on earth."""


class OutsideKnownArea(Problem):
    """This place lies outside every municipality known here."""


class InvalidArea(Problem):
    """This area can't be used."""


class UnknownArea(Problem):
    """No area has this code."""


class InvalidText(Problem):
    """This text can't be accepted."""


class UnknownCategory(Problem):
    """No category has this name."""


class UnknownReport(Problem):
    """There is no such report, or it is not for you to see."""


class UnknownUpload(Problem):
    """There is no such upload of yours."""


class UploadNotReady(Problem):
    """The photo has not been received yet."""


class InvalidEvidence(Problem):
    """Evidence is a remark, a photo, or both."""


class InvalidPhoto(Problem):
    """This is not a photo that can be used."""


class TransitionNotAllowed(Problem):
    """The report can't go to this status now."""

    def __init__(self, message: str, *, path: Sequence[str | int] = (), hint: str = "", allowed: Sequence[str]) -> None:
        super().__init__(message, path=path, hint=hint)
        self.allowed = tuple(allowed)


class NotPermitted(Problem):
    """You may not do this."""


class ConsentMissing(Problem):
    """Without the author's consent nothing of a message is kept."""


class UnknownMessage(Problem):
    """There is no such message of yours."""


class PersonalDataFound(Problem):
    """This text tells of persons."""

    def __init__(self, *, path: Sequence[str | int], hint: str, findings: Sequence[Any]) -> None:
        super().__init__(path=path, hint=hint)
        self.findings = tuple(findings)


class UnknownEvidence(Problem):
    """There is no such evidence, or it is not for you to see."""


class InvalidCorrection(Problem):
    """This correction can't be used."""


class InvalidMeasurement(Problem):
    """This measurement can't be used."""


class NotAdoptable(Problem):
    """This is not something that residents should do themselves."""


class NotAdopted(Problem):
    """Nobody has adopted this report now."""


class InvalidPeriod(Problem):
    """This time can't be used."""


class NotResolved(Problem):
    """This report is not resolved."""


class FeedbackClosed(Problem):
    """The time for feedback on this report has passed."""


class InvalidScore(Problem):
    """A score is a whole number from 1 to 5."""


class MergeNotPossible(Problem):
    """These reports can't be merged."""


class NotMerged(Problem):
    """This report was not merged within the last day."""


class UnknownAlert(Problem):
    """There is no such alert."""


class AlertEnded(Problem):
    """This alert is not in force any more."""


class InvalidContact(Problem):
    """These contact details can't be used."""


class InvalidPreferences(Problem):
    """These preferences can't be used."""


class InvalidIdempotencyKey(Problem):
    """This idempotency key can't be used."""


class IdempotencyKeyReused(Problem):
    """This idempotency key was used before with other input."""


class InvalidCursor(Problem):
    """This cursor does not belong to this list."""


class InvalidPageSize(Problem):
    """`first` is out of range."""


class InvalidFilter(Problem):
    """This filter can't be used."""


class InvalidId(Problem):
    """This is not an id of such a thing."""


class BadToken(Problem):
    """This token is not one of ours."""


class TokenExpired(BadToken):
    """This token has expired."""


class TokenRevoked(BadToken):
    """This token was revoked."""


class RateLimited(Problem):
    """Too many requests."""


class TooSlow(Problem):
    """This took too long and was stopped."""
