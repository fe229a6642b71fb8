"""A merge opens nothing, keeps no contact longer than it is needed, and loses no adoption; nor does one undone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from geo import contacts
from geo.db import Database
from geo.errors import MergeNotPossible, NotPermitted
from geo.models import AdoptionEnding, ReportStatus, Visibility
from geo.usecases.change_visibility import change_visibility
from geo.usecases.merge_reports import merge_reports
from geo.usecases.undo_merge import undo_merge
from tests.geo import test_adoptions
from tests.geo.test_adoptions import adopt, latest, now, take
from tests.geo.test_keep_time import give_contact, lapses, tick
from tests.geo.test_plans import scanned
from tests.world import NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

guided = test_adoptions.guided


async def test_opening_a_report_does_not_open_what_was_merged_into_it(world: Database) -> None:
    secret = await submit(world, category="drugs", visibility=Visibility.POLICE)
    glass = await submit(world)
    await change_visibility(world, POLICE, glass.id, Visibility.POLICE, None)
    await merge_reports(world, POLICE, secret.id, glass.id, None)
    for either in (secret, glass):
        with pytest.raises(NotPermitted) as refused:
            await change_visibility(world, POLICE, either.id, Visibility.AUTHORITIES, None)
        assert "Undo the merge" in str(refused.value.hint)
    await undo_merge(world, POLICE, secret.id, None)
    await change_visibility(world, POLICE, glass.id, Visibility.PUBLIC, None)
    assert (await now(world, secret)).visibility is Visibility.POLICE
    assert (await now(world, glass)).visibility is Visibility.PUBLIC


async def test_what_was_closed_together_is_opened_together_no_further_than_it_was(world: Database) -> None:
    duplicate, into = [await submit(world, visibility=Visibility.INVOLVED) for _ in range(2)]
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    await change_visibility(world, POLICE, into.id, Visibility.POLICE, None)
    with pytest.raises(NotPermitted):
        await change_visibility(world, POLICE, into.id, Visibility.PUBLIC, None)
    for to in (Visibility.AUTHORITIES, Visibility.INVOLVED):
        await change_visibility(world, POLICE, into.id, to, None)
        assert (await now(world, duplicate)).visibility is to


async def test_the_merge_undone_opens_nothing(world: Database) -> None:
    duplicate, into = await submit(world), await submit(world)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    await change_visibility(world, POLICE, into.id, Visibility.POLICE, None)
    await undo_merge(world, POLICE, duplicate.id, None)
    assert (await now(world, duplicate)).visibility is Visibility.POLICE


@pytest.mark.parametrize("final", [ReportStatus.REJECTED, ReportStatus.RESOLVED])
async def test_what_is_final_is_not_merged_until_it_is_opened_again(world: Database, final: ReportStatus) -> None:
    open_one, ended = await submit(world), await submit(world)
    await give_contact(world, open_one)
    await take(world, OFFICER, ended, final)
    if until := (await now(world, ended)).feedback_until:
        await tick(world, until)
    for pair in ((open_one.id, ended.id), (ended.id, open_one.id)):
        with pytest.raises(MergeNotPossible):
            await merge_reports(world, OFFICER, *pair, None)
    await take(world, OFFICER, ended, ReportStatus.REPORTED)
    await merge_reports(world, OFFICER, open_one.id, ended.id, None)


async def test_no_contact_of_an_open_report_lapses_after_the_merge_is_undone(world: Database) -> None:
    first, duplicate, into = [await submit(world) for _ in range(3)]
    for one in (first, duplicate, into):
        await give_contact(world, one)
    await merge_reports(world, OFFICER, first.id, duplicate.id, None)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    await take(world, OFFICER, into, ReportStatus.REJECTED)
    gone = [lapse for lapse in await lapses(world) if lapse]
    assert len(gone) == 3
    await undo_merge(world, OFFICER, duplicate.id, None)
    assert await lapses(world) == [gone[0], None, None], "that of the rejected one lapses as before"
    await tick(world, gone[0] + timedelta(days=1))
    assert await lapses(world) == [None, None]


async def test_an_adoption_ends_with_the_merge(guided: Database) -> None:
    adopted, into = await submit(guided), await submit(guided)
    await adopt(guided, NEIGHBOUR, adopted)
    await merge_reports(guided, OFFICER, adopted.id, into.id, None)
    ended = await latest(guided, adopted)
    assert ended is not None
    assert (ended.ending, ended.ended_at is None) == (AdoptionEnding.TAKEN_OVER, False)
    await undo_merge(guided, OFFICER, adopted.id, None)
    assert (await now(guided, adopted)).status is ReportStatus.REPORTED
    await adopt(guided, RESIDENT, adopted)
    assert (await now(guided, adopted)).status is ReportStatus.ADOPTED, "it can be taken on again"


async def test_the_contacts_that_are_to_lapse_are_found_by_their_indexes(world: Database) -> None:
    one, made = await submit(world), []

    @event.listens_for(world.engine.sync_engine, "before_cursor_execute")
    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        made.append((statement, parameters))

    async with world.write() as conn:
        await conn.execute(text("SET LOCAL enable_seqscan = off"))  # as on a large table
        made.clear()
        await contacts.expire(conn, one.id, None)
        ((statement, parameters),) = made
        plan = (await conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).scalar_one()
    used = scanned(plan[0]["Plan"])
    assert used >= {"contact_pkey", "report_merged_into_idx"}
    assert used.isdisjoint({"contact", "report"})
