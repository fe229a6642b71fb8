"""Who is calling."""

import strawberry

from schema.context import Budget, Context, Info
from schema.enums import Role


@strawberry.type(description="What is left of the caller's rate limit.")
class RateLimit:
    limit: int = strawberry.field(description="Requests a minute.")
    remaining: int = strawberry.field(description="How many are left in this minute.")
    resets_in: int = strawberry.field(description="Seconds until the limit is whole again.")


@strawberry.type(description="The caller, as this API sees it.")
class Viewer:
    context: strawberry.Private[Context]

    @strawberry.field(description="What it is.")
    def role(self) -> Role:
        return self.context.viewer.role

    @strawberry.field(description="The organisation that its token was given to. Example: `gemeente-den-haag`.")
    def organisation(self) -> str | None:
        return self.context.viewer.organisation

    @strawberry.field(description="The codes of the areas it works in; empty for most.")
    def areas(self) -> list[str]:
        return sorted(self.context.viewer.areas)

    @strawberry.field(description="What is left of its rate limit; null on a WebSocket.")
    def rate_limit(self) -> RateLimit | None:
        return _rate_limit(self.context.budget)


def _rate_limit(budget: Budget | None) -> RateLimit | None:
    return budget and RateLimit(limit=budget.limit, remaining=budget.remaining, resets_in=budget.resets_in)


def viewer(info: Info) -> Viewer:
    """Who am I?"""
    return Viewer(context=info.context)
