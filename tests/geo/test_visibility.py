"""The two forms of the one rule, as SQL and as a predicate, let everybody see the same."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import events, involvement
from geo.db import Database
from geo.geometry import sql_point
from geo.models import ActorKind, EventKind, Involvement, Report, Visibility
from geo.tables import report
from geo.viewer import Viewer
from geo.visibility import sees, visible
from tests.geo.strategies import parties, reports, viewers

pytestmark = pytest.mark.anyio

on_one_database = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def store(conn: AsyncConnection, stored: Report, involved: frozenset[str]) -> None:
    values = {
        "id": stored.id,
        "number": str(stored.id),
        "category": stored.category,
        "status": stored.status,
        "urgency": stored.urgency,
        "visibility": stored.visibility,
        "description": stored.description,
        "location": sql_point(stored.location),
        "neighbourhood": stored.place.neighbourhood,
        "district": stored.place.district,
        "borough": stored.place.borough,
        "municipality": stored.place.municipality,
        "submitted_at": stored.submitted_at,
        "updated_at": stored.updated_at,
        "version": stored.version,
    }
    await conn.execute(insert(report).values(values))
    for party in involved:
        await involvement.involve(conn, stored.id, party, Involvement.CONTRIBUTOR)


@on_one_database
@given(
    viewers,
    st.tuples(*(st.tuples(reports(UUID(int=n)), parties) for n in range(1, 9))),
)
async def test_the_same_reports_are_seen_by_sql_and_by_predicate(
    world: Database, viewer: Viewer, stored: tuple[tuple[Report, frozenset[str]], ...]
) -> None:
    async with world.engine.connect() as conn:  # rolled back in the end
        for one, involved in stored:
            await store(conn, one, involved)
        found = set(await conn.scalars(select(report.c.id).where(visible(viewer, report))))
    assert found == {one.id for one, involved in stored if sees(viewer, one.visibility, one.place.codes, involved)}


@on_one_database
@given(
    viewers,
    reports(UUID(int=1)),
    parties,
    st.lists(st.sampled_from(Visibility), min_size=1, max_size=6),
)
async def test_a_timeline_shows_what_may_be_known_of_each_event(
    world: Database, viewer: Viewer, first: Report, involved: frozenset[str], levels: list[Visibility]
) -> None:
    versions = [replace(first, visibility=level, version=n) for n, level in enumerate(levels, start=1)]
    async with world.engine.connect() as conn:  # rolled back in the end
        await store(conn, first, involved)
        for before, after in zip([None, *versions], versions, strict=False):
            await events.append(conn, EventKind.VISIBILITY_CHANGED, ActorKind.MUNICIPALITY, before, after, {})
        history = await events.timeline(conn, viewer, [first.id], None, 10)
    assert [event.version for event in history[first.id]] == [
        version.version for version in versions if sees(viewer, version.visibility, first.place.codes, involved)
    ]
