"""Find the reports that may be about the same situation as a draft, the likeliest first."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import similar
from geo.categories import Categories
from geo.matching import THRESHOLD, Comparison, Match, relation
from geo.models import Point, ReportStatus
from geo.viewer import Viewer
from geo.words import words


async def find_similar(
    conn: AsyncConnection,
    categories: Categories,
    viewer: Viewer,
    category: str,
    description: str,
    point: Point,
    first: int = 3,
    at: datetime | None = None,
) -> list[Match]:
    """At most `first` matches, of what the viewer may see alone; `at` is when the draft was written, else now."""
    at = at or datetime.now(UTC)
    known, draft = await categories.all(), words(description)
    found = []
    for report, metres in await similar.candidates(conn, viewer, point, at):
        days = abs(at - report.submitted_at) / timedelta(days=1)
        between = relation(known, category, report.category)
        still_open = report.status is not ReportStatus.RESOLVED
        compared = Comparison.of(metres, days, between, still_open, draft, words(report.description))
        if (score := compared.score) >= THRESHOLD:
            found.append(Match(report, score, compared.reasons, metres, days))
    return sorted(found, key=lambda match: match.score, reverse=True)[:first]
