"""How to reach a reporter is for the authorities of the territory, and every read of it leaves a trace."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from geo import contacts
from geo.contacts import Contact
from geo.errors import InvalidContact
from geo.models import Report
from geo.tables import audit
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import calling
from tests.conftest import Served
from tests.world import ADMIN, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

FAR = Viewer(OFFICER.role, "ver/desk", "ver", frozenset({"GM0363"}))
REPORTER = "query($id: ID!) { report(id: $id) { reporter { name email phone lapsesAt channel } } }"
GIVEN: dict[str, Any] = {"name": "Anna", "email": "anna@example.org", "phone": "070 353 30 00"}


async def reported(served: Served, lapses_at: datetime | None = None) -> Report:
    report = await submit(served.db)
    checked = Contact.checked(**GIVEN, path=())
    async with served.db.write() as conn:
        await contacts.add(conn, report.id, checked)
        if lapses_at is not None:
            await contacts.expire(conn, report.id, lapses_at)
    return report


async def read(served: Served, viewer: Viewer, report: Report) -> Any:
    async with calling(served, viewer) as caller:
        return (await caller.run(REPORTER, {"id": make_id("Report", report.id)}))["report"]["reporter"]


async def traces(served: Served, report: Report) -> list[tuple[str, str]]:
    found = select(audit.c.party, audit.c.action).where(audit.c.report_id == report.id).order_by(audit.c.at)
    async with served.db.read() as conn:
        return [(row.party, row.action) for row in await conn.execute(found)]


async def test_authorities_read_it_and_leave_a_trace(shared: Served) -> None:
    report = await reported(shared)
    for viewer in (OFFICER, POLICE, ADMIN, OFFICER):
        assert await read(shared, viewer, report) == {
            "name": "Anna",
            "email": "anna@example.org",
            "phone": "+31703533000",
            "lapsesAt": None,
            "channel": "APP",
        }
    parties = [viewer.party for viewer in (OFFICER, POLICE, ADMIN, OFFICER)]
    assert await traces(shared, report) == [(party, "READ_REPORTER") for party in parties]


async def test_others_read_nothing(shared: Served) -> None:
    report = await reported(shared)
    for viewer in (ANONYMOUS, RESIDENT, NEIGHBOUR, FAR):
        assert await read(shared, viewer, report) is None
    assert await traces(shared, report) == []


async def test_what_has_lapsed_or_was_not_left_is_not_shown(shared: Served) -> None:
    assert await read(shared, OFFICER, await submit(shared.db)) is None
    lapsed = await reported(shared, datetime.now(UTC) - timedelta(seconds=1))
    assert await read(shared, OFFICER, lapsed) is None
    assert await traces(shared, lapsed) == []
    kept = await read(shared, OFFICER, await reported(shared, datetime(2100, 1, 1, tzinfo=UTC)))
    assert kept["lapsesAt"] == "2100-01-01T00:00:00+00:00"


async def test_each_of_a_page_leaves_a_trace(server: Served) -> None:
    stored = [await reported(server) for _ in range(3)]
    document = '{ reports(area: {code: "GM0518"}) { nodes { reporter { name } } } }'
    async with calling(server, OFFICER) as desk:
        found = (await desk.run(document, {}))["reports"]["nodes"]
    assert found == [{"reporter": {"name": "Anna"}}] * 3
    for report in stored:
        assert await traces(server, report) == [("municipality/desk", "READ_REPORTER")]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"email": None, "phone": None}, ()),
        ({"email": "anna"}, ("email",)),
        ({"email": "anna@"}, ("email",)),
        ({"phone": "12"}, ("phone",)),
        ({"phone": "bel maar"}, ("phone",)),
        ({"name": ""}, ("name",)),
        ({"name": "a\nb"}, ("name",)),
        ({"name": "x" * 101}, ("name",)),
    ],
)
def test_a_contact_that_cannot_be(given: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidContact) as raised:
        Contact.checked(**(GIVEN | given), path=("input",))
    assert raised.value.path == ("input", *path)
