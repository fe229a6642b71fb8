"""The mistakes a caller can make, each with a name. The docstring of a problem is its message.

Mutations answer with them as members of their result union; queries and subscriptions as GraphQL errors whose
`extensions.code` is the same name.
"""

from collections.abc import Sequence


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


class RateLimited(Problem):
    """Too many requests."""


class TooSlow(Problem):
    """This took too long and was stopped."""
