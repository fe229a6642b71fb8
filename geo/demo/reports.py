"""Writes a story as if it had happened through the use-cases, which can't write of the past."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo import areas, events
from geo.demo.stories import Step, Story
from geo.geometry import sql_point
from geo.hours import due
from geo.models import Category, EventKind, EvidenceKind, Involvement, Place, Report, ReportStatus, Verdict
from geo.tables import confirmation, evidence, involvement, report


@dataclass(frozen=True, slots=True)
class Change:
    """A step with the report before and after it, and what its event tells."""

    step: Step
    kind: EventKind
    before: Report | None
    after: Report
    detail: dict[str, Any]


async def write(conn: AsyncConnection, story: Story, number: str) -> bool:
    """Store the report with all that happened to it; false where its place lies in no area."""
    place = await areas.locate(conn, story.location)
    if place is None:
        return False
    changes = [*_changes(story, place, number)]
    await _insert_report(conn, changes[-1].after)
    for change in changes:
        await _insert_step(conn, change)
        step = change.step
        await events.append(conn, change.kind, step.actor, change.before, change.after, change.detail, party=step.party)
    return True


def _changes(story: Story, place: Place, number: str) -> Iterator[Change]:
    at, category = story.made.at, story.category
    now = Report(
        id=_id(at),
        number=number,
        category=category.slug,
        status=ReportStatus.REPORTED,
        urgency=category.urgency,
        visibility=category.visibility,
        description=story.made.remark or "",
        location=story.location,
        place=place,
        submitted_at=at,
        updated_at=at,
        resolved_at=None,
        due_at=due(at, category),
        confirmations=0,
        last_confirmed_at=None,
        version=1,
    )
    yield Change(story.made, EventKind.REPORT_SUBMITTED, None, now, {})
    for step in story.steps:
        before, now = now, replace(now, version=now.version + 1, updated_at=step.at)
        if step.to:
            now = replace(now, status=step.to, **_resolution(step, category))
            detail = {"from": before.status, "to": step.to, "remark": step.remark}
            yield Change(step, EventKind.STATUS_CHANGED, before, now, detail)
        elif step.verdict:
            if step.verdict is Verdict.STILL_THERE:
                now = replace(now, confirmations=now.confirmations + 1, last_confirmed_at=step.at)
            yield Change(step, EventKind.REPORT_CONFIRMED, before, now, {"verdict": step.verdict})
        else:
            detail = {"evidence": str(_id(step.at)), "kind": EvidenceKind.REMARK}
            yield Change(step, EventKind.EVIDENCE_ADDED, before, now, detail)


def _resolution(step: Step, category: Category) -> dict[str, Any]:
    if step.to is not ReportStatus.RESOLVED:
        return dict.fromkeys(("resolved_at", "resolved_by", "feedback_until"))
    until = step.at + timedelta(days=category.feedback_days)
    return {"resolved_at": step.at, "resolved_by": step.actor, "feedback_until": until}


def _id(at: datetime) -> UUID:
    """An id as it would have been given at that time."""
    return uuid7(nanoseconds=int(at.timestamp() * 1e9))


async def _insert_report(conn: AsyncConnection, of: Report) -> None:
    values = {name: getattr(of, name) for name in Report.__dataclass_fields__ if name != "place"}
    await conn.execute(insert(report).values(values | asdict(of.place) | {"location": sql_point(of.location)}))


async def _insert_step(conn: AsyncConnection, change: Change) -> None:
    step, key = change.step, {"report_id": change.after.id, "party": change.step.party}
    match change.kind:
        case EventKind.REPORT_SUBMITTED:
            role = Involvement.REPORTER
        case EventKind.REPORT_CONFIRMED:
            role = Involvement.CONFIRMER
            await conn.execute(insert(confirmation).values(**key, verdict=step.verdict, at=step.at))
        case EventKind.EVIDENCE_ADDED:
            role = Involvement.CONTRIBUTOR
            told = {"id": UUID(change.detail["evidence"]), "kind": EvidenceKind.REMARK, "remark": step.remark}
            await conn.execute(insert(evidence).values(**key, **told, added_by=step.actor, added_at=step.at))
        case _:
            return
    await conn.execute(insert(involvement).values(**key, role=role, since=step.at))
