"""Give a report another place or category: what adding a correction and deciding on one have in common."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import areas, events, involvement, reports
from geo.categories import Categories
from geo.errors import InvalidCorrection
from geo.evidence import Correction
from geo.geometry import Path, sql_point
from geo.models import Event, EventKind, Involvement, Report, Visibility
from geo.usecases.carry_visibility import carry_visibility
from geo.viewer import Viewer

STRICTEST_LAST = (Visibility.PUBLIC, Visibility.INVOLVED, Visibility.AUTHORITIES, Visibility.POLICE)


class Step(NamedTuple):
    """One change that a correction makes, with its event."""

    kind: EventKind
    changes: dict[str, Any]
    detail: dict[str, Any]


async def may_correct(conn: AsyncConnection, viewer: Viewer, report: Report) -> bool:
    """Whether the viewer reported it, or is an authority of its territory."""
    if viewer.works_in(report.place.codes):
        return True
    return viewer.party is not None and Involvement.REPORTER in await involvement.roles(conn, report.id, viewer.party)


async def steps(
    conn: AsyncConnection, categories: Categories, report: Report, correction: Correction, path: Path
) -> Sequence[Step]:
    """What a correction changes of a report; raises `InvalidCorrection`, `OutsideKnownArea`, `UnknownCategory`.

    The category never opens a report to more eyes: for that somebody has to decide.
    """
    found = []
    if correction.location is not None:
        where = (*path, "location")
        if correction.location == report.location:
            raise InvalidCorrection("The report has this place already.", path=where, hint="Give another place.")
        place = await areas.check_located(conn, correction.location, where)
        moved = {"location": sql_point(correction.location), **asdict(place)}
        found.append(Step(EventKind.REPORT_MOVED, moved, {}))
    if correction.category is not None:
        where = (*path, "category")
        if correction.category == report.category:
            raise InvalidCorrection("The report has this category already.", path=where, hint="Give another category.")
        category = await categories.usable(correction.category, where)
        visibility = max(report.visibility, category.visibility, key=STRICTEST_LAST.index)
        changed = {"category": category.slug, "visibility": visibility}
        detail = {"from": report.category, "to": category.slug}
        found.append(Step(EventKind.CATEGORY_CHANGED, changed, detail))
    if not found:
        raise InvalidCorrection(path=path, hint="Give a `location`, a `category`, or both.")
    return found


async def correct(
    conn: AsyncConnection, viewer: Viewer, locked: Report, to_do: Sequence[Step]
) -> tuple[Report, list[Event]]:
    """The report after these steps, each with its event."""
    made = []
    for step in to_do:
        before, locked = locked, await reports.change(conn, locked, **step.changes)
        await carry_visibility(conn, viewer, before, locked)
        made.append(await events.append(conn, step.kind, viewer.actor, before, locked, step.detail, party=viewer.party))
    return locked, made
