"""Who is calling."""

import strawberry

from geo import involvement
from geo.cursor import PageCursor
from schema.context import Budget, Context, Info
from schema.enums import Role
from schema.pages import DEFAULT_FIRST, After, First, check_first, page_info
from schema.reports import Report, ReportConnection, ReportEdge
from schema.snapshots import Snapshot


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

    @strawberry.field(
        description="The reports it has to do with: reported, confirmed, added to, adopted or follows; newest first."
    )
    async def reports(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> ReportConnection:
        cursors, snapshot = info.context.services.cursors, Snapshot(info)
        asked = f"viewer {self.context.viewer.party}"
        behind = None if after is None else cursors.open_page(asked, after)
        limit = check_first(first)
        async with snapshot.read() as conn:
            found = await involvement.reports_of(conn, self.context.viewer, behind, limit + 1)
        edges = [
            ReportEdge(cursor=cursors.seal_page(asked, PageCursor(one.submitted_at, one.id)), node=Report(record=one))
            for one in found[:limit]
        ]
        pages = page_info([edge.cursor for edge in edges], more=len(found) > limit, after=after)
        return ReportConnection(edges=edges, page_info=pages, live_cursor=snapshot.cursor)

    @strawberry.field(description="What is left of its rate limit; null on a WebSocket.")
    def rate_limit(self) -> RateLimit | None:
        return _rate_limit(self.context.budget)


def _rate_limit(budget: Budget | None) -> RateLimit | None:
    return budget and RateLimit(limit=budget.limit, remaining=budget.remaining, resets_in=budget.resets_in)


def viewer(info: Info) -> Viewer:
    """Who am I?"""
    return Viewer(context=info.context)
