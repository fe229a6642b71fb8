"""Whether a situation has been reported already."""

from typing import Annotated

import strawberry

from geo.geometry import check_point
from geo.matching import Match as Found
from geo.texts import check_text
from geo.usecases.find_similar import find_similar
from schema.categories import Lang
from schema.context import Info
from schema.enums import Language
from schema.pages import check_first
from schema.points import PointInput
from schema.reports import Report

MOST = 3


@strawberry.type(description="A report that may be about the same situation.")
class Match:
    found: strawberry.Private[Found]

    @strawberry.field(description="The report.")
    def report(self) -> Report:
        return Report(record=self.found.report)

    @strawberry.field(description="How likely it is the same situation: 0 to 1.")
    def score(self) -> float:
        return self.found.score

    @strawberry.field(description="How far apart the two are, in metres along the earth.")
    def metres(self) -> float:
        return self.found.metres

    @strawberry.field(description='Why it was found, to be shown. Example: `["42 m verderop", "zelfde categorie"]`.')
    def reasons(self, lang: Lang = Language.NL) -> list[str]:
        return [reason.nl if lang is Language.NL else reason.en for reason in self.found.reasons]


@strawberry.input(description="A situation that may be reported.")
class ReportDraft:
    category: str = strawberry.field(description="The slug of a category. Example: `glas`.")
    description: str = strawberry.field(description="What is the matter. Example: `Glas rond de glasbak`.")
    location: PointInput = strawberry.field(description="Where it is.")


@strawberry.type(
    description="Nothing was stored: it may have been reported already. Show the matches and ask. If it is one of "
    "them: `confirmReport` or `addEvidence`; if it is none: the same input with `confirmNew: true`."
)
class SimilarReportsFound:
    matches: list[Match] = strawberry.field(description="At most three, the likeliest first.")


def matches_of(found: list[Found]) -> list[Match]:
    return [Match(found=one) for one in found]


async def similar_reports(
    info: Info,
    draft: Annotated[ReportDraft, strawberry.argument(description="What is the matter.")],
    first: Annotated[int, strawberry.argument(description=f"How many at most: 1 to {MOST}.")] = MOST,
) -> list[Match]:
    """The reports that may be about the same situation, the likeliest first, before anything is filed."""
    point = check_point(draft.location.lon, draft.location.lat, ("draft", "location"))
    categories = info.context.services.categories
    category = await categories.usable(draft.category, ("draft", "category"))
    description = check_text(draft.description, ("draft", "description"))
    most, viewer = check_first(first, MOST), info.context.viewer
    async with info.context.db.read() as conn:
        found = await find_similar(conn, categories, viewer, category.slug, description, point, most)
    return matches_of(found)
