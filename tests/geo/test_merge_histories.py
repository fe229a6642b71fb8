"""Any history of merges can be undone as if it had not been, and leads each report to one that goes on."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from geo.db import Database
from geo.errors import MergeNotPossible, NotMerged, NotPermitted
from geo.models import Report, Verdict, Visibility
from geo.usecases.change_visibility import change_visibility
from geo.usecases.confirm_report import confirm_report
from geo.usecases.correct_report import STRICTEST_LAST
from geo.usecases.merge_reports import merge_reports
from geo.usecases.undo_merge import undo_merge
from tests.geo.test_merges import THIRD, evidence_of, goes_on, now, remark
from tests.world import NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

PEOPLE = (RESIDENT, NEIGHBOUR, THIRD)


class Act(NamedTuple):
    """Somebody says something of a report: a verdict, or a remark."""

    who: int
    report: int
    verdict: Verdict | None


COUNT = 4
acts = st.builds(Act, st.integers(0, len(PEOPLE) - 1), st.integers(0, COUNT - 1), st.sampled_from([*Verdict, None]))
pairs = st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1))
on_one_database = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def act(db: Database, stored: Sequence[Report], one: Act) -> None:
    if one.verdict is None:
        await remark(db, PEOPLE[one.who], stored[one.report].id)
    else:
        await confirm_report(db, PEOPLE[one.who], stored[one.report].id, one.verdict, None)


async def merge_if_possible(db: Database, one: Report, other: Report) -> bool:
    try:
        await merge_reports(db, POLICE, one.id, other.id, None)
    except MergeNotPossible:
        return False
    return True


async def rows(db: Database, stored: Sequence[Report]) -> dict[str, list[Any]]:
    """All that is stored of the reports, but for how often and when they changed."""
    found = {}
    keys = {"report": "id", "evidence": "report_id", "involvement": "report_id", "confirmation": "report_id"}
    for table, key in keys.items():
        shown = f"to_jsonb({table}) - 'version' - 'updated_at'"
        whole = text(f"SELECT {shown} FROM {table} WHERE {key} = ANY(:ids) ORDER BY {shown}")
        async with db.read() as conn:
            found[table] = list(await conn.scalars(whole, {"ids": [one.id for one in stored]}))
    return found


@on_one_database
@given(st.lists(st.one_of(acts, pairs), max_size=10), pairs)
@example([(0, 1), Act(0, 1, Verdict.GONE)], (1, 2))
async def test_a_merge_undone_leaves_everything_as_it_was(
    world: Database, history: list[Act | tuple[int, int]], pair: tuple[int, int]
) -> None:
    stored = [await submit(world, by=PEOPLE[n % len(PEOPLE)]) for n in range(COUNT)]
    for step in history:
        if isinstance(step, Act):
            await act(world, stored, step)
        else:
            await merge_if_possible(world, stored[step[0]], stored[step[1]])
    before = await rows(world, stored)
    if await merge_if_possible(world, stored[pair[0]], stored[pair[1]]):
        assert await rows(world, stored) != before
        await undo_merge(world, OFFICER, stored[pair[0]].id, None)
    assert await rows(world, stored) == before


@on_one_database
@given(st.lists(st.one_of(pairs, st.integers(0, COUNT - 1)), max_size=8))
@example([(0, 1), (2, 1), (1, 3), 1, 2, 0])
async def test_every_chain_of_merges_leads_to_a_report_that_goes_on(
    world: Database, history: list[tuple[int, int] | int]
) -> None:
    """Against a model: the merges in force, in their order."""
    stored = [await submit(world) for _ in range(COUNT)]
    in_force: list[tuple[int, int]] = []
    for step in history:
        ended = {one for one, _ in in_force}
        if isinstance(step, tuple):
            possible = step[0] != step[1] and ended.isdisjoint(step)
            assert await merge_if_possible(world, stored[step[0]], stored[step[1]]) == possible
            in_force += [step] if possible else []
        else:
            mine = next((pair for pair in in_force if pair[0] == step), None)
            later = in_force[in_force.index(mine) + 1 :] if mine else []
            if mine and not any(mine[1] in pair for pair in later):
                await undo_merge(world, OFFICER, stored[step].id, None)
                in_force.remove(mine)
            else:
                with pytest.raises(MergeNotPossible if mine else NotMerged):
                    await undo_merge(world, OFFICER, stored[step].id, None)
    leads = dict(in_force)
    for number, report in enumerate(stored):
        end = number
        while end in leads:
            end = leads[end]
        assert await goes_on(world, report) == stored[end].id


opened = st.tuples(st.integers(0, COUNT - 1), st.sampled_from(Visibility))


@on_one_database
@given(st.lists(st.one_of(pairs, opened, st.integers(0, COUNT - 1)), max_size=10))
@example([(0, Visibility.POLICE), (1, Visibility.POLICE), (0, 1), (1, Visibility.PUBLIC), 0])
@example(
    [(0, Visibility.POLICE), (1, Visibility.POLICE), (0, 1), (2, Visibility.POLICE), (1, 2), (2, Visibility.PUBLIC)]
)
async def test_no_report_is_opened_by_what_somebody_decides_of_another(
    world: Database, history: list[tuple[int, int | Visibility] | int]
) -> None:
    """Nor is what was added to it, wherever that has gone."""
    stored = [await submit(world) for _ in range(COUNT)]
    for number, report in enumerate(stored):
        await remark(world, RESIDENT, report.id, str(number))
    ids = [report.id for report in stored]
    decided = dict.fromkeys(ids, Visibility.PUBLIC)
    for step in history:
        match step:
            case (int() as number, Visibility() as to):
                with suppress(NotPermitted):
                    event = (await change_visibility(world, POLICE, ids[number], to, None)).event
                    decided[event.report_id] = to
            case (int() as one, int() as other):
                await merge_if_possible(world, stored[one], stored[other])
            case int() as merged:
                with suppress(NotMerged, MergeNotPossible):
                    await undo_merge(world, POLICE, ids[merged], None)
        for key in ids:
            level = STRICTEST_LAST.index((await now(world, key)).visibility)
            written = {key, *(ids[int(piece.remark or 0)] for piece in await evidence_of(world, key))}
            assert all(level >= STRICTEST_LAST.index(decided[of]) for of in written)
