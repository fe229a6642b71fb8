"""Merging takes along all that belongs to a duplicate, leads its id on, and can be undone as if it had not been."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from geo import erasure, events, evidence, merges, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import MergeNotPossible, NotMerged, NotPermitted, UnknownReport
from geo.models import EventKind, Evidence, Report, ReportStatus, Verdict, Visibility
from geo.statuses import Statuses
from geo.tables import involvement, merge
from geo.usecases.add_evidence import EvidenceDraft, add_evidence
from geo.usecases.change_status import StatusChange, change_status
from geo.usecases.change_visibility import change_visibility
from geo.usecases.confirm_report import confirm_report
from geo.usecases.merge_reports import merge_reports
from geo.usecases.undo_merge import undo_merge
from geo.viewer import ANONYMOUS, Viewer
from tests.world import ADMIN, ELSEWHERE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

THIRD = Viewer(RESIDENT.role, "residents/cor", "residents")


async def remark(db: Database, viewer: Viewer, report_id: UUID, words: str = "Nog meer") -> None:
    await add_evidence(db, Categories(db), viewer, EvidenceDraft(report_id, words, None), None)


async def now(db: Database, report_id: UUID) -> Report:
    async with db.read() as conn:
        return (await reports.by_ids(conn, ADMIN, [report_id]))[report_id]


async def goes_on(db: Database, report: Report, viewer: Viewer = ADMIN) -> UUID | None:
    """Where the id and the number of a report lead, for reading and for changing; all the same."""
    async with db.read() as conn:
        by_id = (await reports.surviving(conn, viewer, [report.id])).get(report.id)
        assert await reports.by_number(conn, viewer, report.number) == by_id
    async with db.write() as conn:
        if by_id is None:
            with pytest.raises(UnknownReport):
                await reports.lock(conn, viewer, report.id, ())
        else:
            assert await reports.lock(conn, viewer, report.id, ()) == by_id
            assert by_id.merged_into is None
    return None if by_id is None else by_id.id


async def evidence_of(db: Database, report_id: UUID) -> list[Evidence]:
    async with db.read() as conn:
        return (await evidence.of_reports(conn, [report_id], None, 50))[report_id]


async def involved(db: Database, report_id: UUID) -> set[tuple[str, str]]:
    async with db.read() as conn:
        rows = await conn.execute(
            select(involvement.c.party, involvement.c.role).where(involvement.c.report_id == report_id)
        )
        return {(row.party, row.role) for row in rows}


async def waits_for_a_lock(db: Database) -> None:
    """Returns when somebody does."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with db.read() as conn, asyncio.timeout(20):
        while not await conn.scalar(text(waiting)):  # noqa: ASYNC110 - PostgreSQL tells nobody of it
            await asyncio.sleep(0.01)


async def test_all_that_belongs_to_the_duplicate_comes_along(world: Database) -> None:
    duplicate, into = await submit(world, by=NEIGHBOUR), await submit(world)
    await remark(world, NEIGHBOUR, duplicate.id, "Bij de glasbak")
    await remark(world, RESIDENT, into.id, "Op de hoek")
    await confirm_report(world, THIRD, duplicate.id, Verdict.STILL_THERE, None)
    confirmed = (await now(world, duplicate.id)).last_confirmed_at
    outcome = await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    assert (outcome.event.kind, outcome.event.detail) == (EventKind.REPORT_MERGED, {"into": str(into.id)})
    merged, joined = await now(world, duplicate.id), await now(world, into.id)
    assert (merged.status, merged.merged_into, merged.version) == (ReportStatus.MERGED, into.id, 4)
    assert outcome.report == merged
    assert (joined.status, joined.version, joined.confirmations) == (ReportStatus.REPORTED, 3, 1)
    assert joined.last_confirmed_at == confirmed
    assert [piece.remark for piece in await evidence_of(world, into.id)] == ["Bij de glasbak", "Op de hoek"]
    assert await evidence_of(world, duplicate.id) == []
    came = {("residents/bram", "CONTRIBUTOR"), ("residents/cor", "CONFIRMER")}
    assert await involved(world, duplicate.id) == came | {("residents/bram", "REPORTER")}
    own = {("residents/anna", "REPORTER"), ("residents/anna", "CONTRIBUTOR")}
    assert await involved(world, into.id) == came | own, "who reported the one did not report the other"
    async with world.read() as conn:
        history = (await events.timeline(conn, ADMIN, [into.id], None, 10))[into.id]
    assert (history[-1].kind, history[-1].detail) == (EventKind.DUPLICATE_JOINED, {"duplicate": str(duplicate.id)})


@pytest.mark.parametrize("later", ["duplicate", "into"])
async def test_the_last_word_of_each_counts_once(world: Database, later: str) -> None:
    duplicate, into = await submit(world), await submit(world)
    first, second = (into, duplicate) if later == "duplicate" else (duplicate, into)
    for viewer in (NEIGHBOUR, THIRD, RESIDENT):
        await confirm_report(world, viewer, first.id, Verdict.STILL_THERE, None)
    for viewer, verdict in ((NEIGHBOUR, Verdict.GONE), (THIRD, Verdict.GONE), (RESIDENT, Verdict.STILL_THERE)):
        await confirm_report(world, viewer, second.id, verdict, None)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    assert (await now(world, into.id)).confirmations == 1


async def test_what_is_done_to_the_duplicate_is_done_to_the_report_that_goes_on(world: Database) -> None:
    duplicate, into = await submit(world), await submit(world)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    outcome = await confirm_report(world, NEIGHBOUR, duplicate.id, Verdict.STILL_THERE, None)
    assert (outcome.event.report_id, outcome.event.version) == (into.id, 3)
    assert outcome.report == await now(world, into.id)


async def test_a_change_that_waits_for_a_merge_goes_where_it_went(world: Database) -> None:
    duplicate, into = await submit(world), await submit(world)
    async with world.write() as conn:
        locked = await reports.lock_several(conn, OFFICER, [duplicate.id, into.id])
        waiting = asyncio.create_task(confirm_report(world, NEIGHBOUR, duplicate.id, Verdict.STILL_THERE, None))
        await waits_for_a_lock(world)
        await merges.move(conn, locked[duplicate.id], locked[into.id])
        await reports.change(conn, locked[duplicate.id], status=ReportStatus.MERGED, merged_into=into.id)
    assert (await waiting).event.report_id == into.id


async def test_two_merges_the_other_way_round_do_not_wait_for_each_other(world: Database) -> None:
    for _ in range(5):
        one, other = await submit(world), await submit(world)
        made = await asyncio.gather(
            merge_reports(world, OFFICER, one.id, other.id, None),
            merge_reports(world, OFFICER, other.id, one.id, None),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in made) == ["MergeNotPossible", "Outcome"]


async def test_who_may_merge_what(world: Database) -> None:
    here, there = await submit(world), await submit(world, at=ELSEWHERE)
    secret = await submit(world, visibility=Visibility.POLICE)
    half = Viewer(OFFICER.role, "half/desk", "half", frozenset({"WK051829"}))
    for viewer in (ANONYMOUS, RESIDENT, half):
        with pytest.raises(NotPermitted):
            await merge_reports(world, viewer, here.id, there.id, None)
        with pytest.raises(NotPermitted):
            await merge_reports(world, viewer, there.id, here.id, None)
    for pair in ((secret.id, here.id), (here.id, secret.id)):
        with pytest.raises(UnknownReport):
            await merge_reports(world, OFFICER, *pair, None)
        with pytest.raises(MergeNotPossible):
            await merge_reports(world, POLICE, *pair, None)
    with pytest.raises(MergeNotPossible):
        await merge_reports(world, OFFICER, here.id, here.id, None)
    await merge_reports(world, OFFICER, here.id, there.id, None)
    third = await submit(world)
    for pair in ((here.id, third.id), (third.id, here.id)):
        with pytest.raises(MergeNotPossible):
            await merge_reports(world, OFFICER, *pair, None)
    with pytest.raises(NotPermitted):
        await undo_merge(world, half, here.id, None)


async def test_what_can_be_undone(world: Database) -> None:
    one, two, three = [await submit(world) for _ in range(3)]
    with pytest.raises(NotMerged):
        await undo_merge(world, OFFICER, one.id, None)
    await merge_reports(world, OFFICER, one.id, two.id, None)
    await merge_reports(world, OFFICER, two.id, three.id, None)
    with pytest.raises(MergeNotPossible):
        await undo_merge(world, OFFICER, one.id, None)
    await undo_merge(world, OFFICER, two.id, None)
    with pytest.raises(NotMerged):
        await undo_merge(world, OFFICER, two.id, None)
    async with world.write() as conn:
        await conn.execute(update(merge).values(at=merge.c.at - merges.UNDO))
    with pytest.raises(NotMerged):
        await undo_merge(world, OFFICER, one.id, None)


async def test_undoing_tells_both_and_gives_the_status_back(world: Database) -> None:
    duplicate, into = await submit(world), await submit(world)
    held = StatusChange(duplicate.id, ReportStatus.ON_HOLD, None)
    await change_status(world, Categories(world), Statuses(world), OFFICER, held, None)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    outcome = await undo_merge(world, OFFICER, duplicate.id, None)
    assert (outcome.event.kind, outcome.event.detail) == (EventKind.MERGE_UNDONE, {"other": str(into.id)})
    assert outcome.report is not None
    assert (outcome.report.status, outcome.report.merged_into) == (ReportStatus.ON_HOLD, None)
    async with world.read() as conn:
        last = (await events.timeline(conn, ADMIN, [into.id], None, 10))[into.id][-1]
    assert (last.kind, last.version, last.detail) == (EventKind.MERGE_UNDONE, 3, {"other": str(duplicate.id)})


async def test_what_came_since_the_merge_stays(world: Database) -> None:
    duplicate, into = await submit(world, by=NEIGHBOUR), await submit(world)
    await remark(world, NEIGHBOUR, duplicate.id, "Van voor de samenvoeging")
    await confirm_report(world, THIRD, duplicate.id, Verdict.GONE, None)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    await remark(world, NEIGHBOUR, into.id, "Van daarna")
    await confirm_report(world, THIRD, duplicate.id, Verdict.STILL_THERE, None)
    seen = (await now(world, into.id)).last_confirmed_at
    await undo_merge(world, OFFICER, duplicate.id, None)
    assert [piece.remark for piece in await evidence_of(world, into.id)] == ["Van daarna"]
    assert [piece.remark for piece in await evidence_of(world, duplicate.id)] == ["Van voor de samenvoeging"]
    after = await now(world, into.id)
    assert (after.confirmations, after.last_confirmed_at) == (1, seen)
    assert (await now(world, duplicate.id)).confirmations == 0
    assert await involved(world, into.id) == {
        ("residents/anna", "REPORTER"),
        ("residents/bram", "CONTRIBUTOR"),
        ("residents/cor", "CONFIRMER"),
    }


async def test_who_may_see_the_one_may_see_the_other(world: Database) -> None:
    duplicate, into = await submit(world), await submit(world)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    await change_visibility(world, POLICE, into.id, Visibility.POLICE, None)
    for report in (duplicate, into):
        assert (await now(world, report.id)).visibility is Visibility.POLICE
        assert await goes_on(world, report, RESIDENT) is None
    async with world.read() as conn:
        last = (await events.timeline(conn, ADMIN, [duplicate.id], None, 10))[duplicate.id][-1]
    assert (last.kind, last.after.visibility) == (EventKind.VISIBILITY_CHANGED, Visibility.POLICE)


async def test_nobody_who_was_erased_comes_back(world: Database) -> None:
    duplicate, into = await submit(world), await submit(world)
    await confirm_report(world, THIRD, into.id, Verdict.STILL_THERE, None)
    await confirm_report(world, THIRD, duplicate.id, Verdict.GONE, None)
    await merge_reports(world, OFFICER, duplicate.id, into.id, None)
    assert THIRD.party is not None
    erased = erasure.Erased()
    async with world.write() as conn:
        for report in (duplicate, into):
            await erasure.party(conn, report.id, THIRD.party, erased)
    await undo_merge(world, OFFICER, duplicate.id, None)
    async with world.read() as conn:
        rows = await conn.scalars(text("SELECT party FROM confirmation UNION ALL SELECT party FROM involvement"))
        assert THIRD.party not in set(rows)
