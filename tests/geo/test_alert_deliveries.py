"""How many an alert has reached: counted in each process, written down by the clock."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from geo import alert_deliveries, alerts, events
from geo.alert_deliveries import Watchers
from geo.db import Database
from geo.tables import alert_delivery, notification
from geo.usecases.update_alert import update_alert
from tests.geo.test_alerts import publish
from tests.world import OFFICER

pytestmark = pytest.mark.anyio


async def counted(db: Database) -> dict[UUID, int]:
    async with db.read() as conn:
        rows = await conn.execute(select(alert_delivery))
        return {row.alert_id: row.watchers for row in rows}


async def test_watchers_are_counted_by_the_clock_and_at_the_end(world: Database) -> None:
    one, other = await publish(world), await publish(world)
    patient, quick = Watchers(world, interval=3600), Watchers(world, interval=0.01)
    running = [asyncio.create_task(each.run()) for each in (patient, quick)]
    for _ in range(3):
        patient.count(one.id)
    quick.count(one.id)
    quick.count(other.id)
    while other.id not in await counted(world):
        pass
    assert (await counted(world))[one.id] == 1
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert await counted(world) == {one.id: 4, other.id: 1}


async def test_watchers_that_cannot_be_written_down_stay_counted(
    world: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await publish(world)
    watchers = Watchers(world)
    watchers.count(made.id)
    with monkeypatch.context() as patch:

        async def away(*_: Any) -> None:
            watchers.count(made.id)  # another one, meanwhile
            raise OperationalError("", None, OSError())

        patch.setattr(alert_deliveries, "add_watchers", away)
        await watchers.write_down()
    assert await counted(world) == {}
    await watchers.write_down()
    await watchers.write_down()
    assert await counted(world) == {made.id: 2}


async def test_an_alert_reaches_people_once_however_often_it_tells_them(world: Database) -> None:
    made, other = await publish(world), await publish(world)
    async with world.read() as conn:
        before = await alert_deliveries.of_alerts(conn, [made.id, other.id, uuid4()])
    assert before == {one.id: (0, 0, 0, 0) for one in (made, other)}
    update = await update_alert(world, OFFICER, made.id, {"text": "Let op"}, None)
    async with world.write() as conn:
        first = await alerts.event_of(conn, made)
        notice = await events.append_notice(conn)
        now = datetime.now(UTC)
        told = [("anna", first.id, now), ("anna", update.event.id, None), ("bram", update.event.id, None)]
        rows = [
            {"id": uuid4(), "party": party, "event_id": about, "notice_id": notice, "at": now, "mailed_at": mailed}
            for party, about, mailed in told
        ]
        await conn.execute(insert(notification), rows)
    async with world.read() as conn:
        after = await alert_deliveries.of_alerts(conn, [made.id, other.id])
    assert after == {made.id: (0, 2, 1, 0), other.id: (0, 0, 0, 0)}
