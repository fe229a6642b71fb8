"""How many SQL statements an operation takes: the same number however much it finds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event

from api.geocoder import NoGeocoder
from geo.alert_deliveries import Watchers
from geo.areas import Areas
from geo.categories import Categories
from geo.classifier import TermClassifier
from geo.cursor import Cursors
from geo.db import Database
from geo.feed import Feed
from geo.links import Links
from geo.photos import PhotoStore
from geo.revocations import Revocations
from geo.statuses import Statuses
from geo.usecases.add_evidence import EvidenceDraft, add_evidence
from geo.usecases.register_message import Monitor
from geo.viewer import Viewer
from schema.context import Context, Services
from schema.nodes import make_id
from schema.root import make_schema
from tests.clients.caller import Json
from tests.conftest import SECRET
from tests.world import ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

SCHEMA = make_schema()
DISTRICT = '{code: "WK051829"}'
SCALARS = "id number status urgency visibility description location { lon lat } submittedAt dueAt confirmations version"
AREAS = "neighbourhood { name } district { name parent { name } } borough { name } municipality { name }"
LISTS = """evidence(first: 3) { nodes { id remark photo { url } } }
    timeline(first: 5) { nodes { __typename at actor report { id } ... on EvidenceAdded { evidence { remark } } } }"""


@dataclass
class Counted:
    """Operations on a database, and the statements they took."""

    services: Services
    statements: list[str] = field(default_factory=list)

    async def run(self, document: str, viewer: Viewer = RESIDENT, **variables: Any) -> Json:
        self.statements.clear()
        context = Context(self.services, viewer)
        result = await SCHEMA.execute(document, variables, context_value=context)
        assert result.errors is None
        assert result.data is not None
        return result.data

    async def count(self, document: str, viewer: Viewer = RESIDENT, **variables: Any) -> int:
        """The number of statements once the caches are warm."""
        await self.run(document, viewer, **variables)
        await self.run(document, viewer, **variables)
        return len(self.statements)


@pytest.fixture
async def counted(world: Database) -> AsyncIterator[Counted]:
    feed = Feed(world)
    await feed.start()
    made = Counted(
        Services(
            db=world,
            feed=feed,
            areas=Areas(world),
            categories=Categories(world),
            statuses=Statuses(world),
            cursors=Cursors(SECRET),
            links=Links(SECRET, ""),
            watchers=Watchers(world),
            photos=PhotoStore("memory:///"),
            revocations=Revocations(world),
            monitor=Monitor(Categories(world), TermClassifier(), NoGeocoder()),
        )
    )

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        made.statements.append(statement)

    event.listen(world.engine.sync_engine, "before_cursor_execute", note)
    yield made
    event.remove(world.engine.sync_engine, "before_cursor_execute", note)


async def fill(db: Database, count: int) -> None:
    """Reports with evidence, in two districts."""
    for number in range(count):
        report = await submit(db, at=(INSIDE, ELSEWHERE)[number % 2])
        for remark in ("Nog meer glas", "Het ligt er nog"):
            await add_evidence(db, Categories(db), NEIGHBOUR, EvidenceDraft(report.id, remark, None), None)


@pytest.mark.parametrize(
    ("document", "statements"),
    [
        ("{ viewer { role organisation areas } }", 0),
        ("{ categories { slug name parent } }", 0),
        ('{ area(code: "WK051829") { name } }', 1),
        ("{ area(at: {lon: 4.295, lat: 52.065}) { name } }", 1),
        ("{ areas { nodes { code name } } }", 1),
        (f"{{ reports(area: {DISTRICT}) {{ nodes {{ {SCALARS} }} pageInfo {{ endCursor }} }} }}", 1),
        (f"{{ reports(area: {DISTRICT}) {{ nodes {{ {SCALARS} }} liveCursor }} }}", 4),  # BEGIN, the place, COMMIT
        (f"{{ reportsNear(point: {{lon: 4.295, lat: 52.065}}) {{ metres report {{ {SCALARS} }} }} }}", 1),
        (f"{{ reports(area: {DISTRICT}) {{ nodes {{ category {{ name }} allowedTransitions }} }} }}", 1),
        ('{ reports(area: {code: "GM0518"}) { nodes { id } } }', 1),
        ("{ reports(area: {bbox: {west: 4.28, south: 52.06, east: 4.32, north: 52.08}}) { nodes { id } } }", 1),
        ("{ reports(area: {around: {point: {lon: 4.295, lat: 52.065}, metres: 50}}) { nodes { id } } }", 1),
    ],
)
async def test_reading_takes_so_many_statements(counted: Counted, document: str, statements: int) -> None:
    await fill(counted.services.db, 3)
    assert await counted.count(document, OFFICER) == statements


@pytest.mark.parametrize(
    ("fields", "statements"),
    [
        (AREAS, 1 + 2),  # the areas, then their parents
        ("evidence(first: 3) { nodes { id remark } }", 1 + 1),
        ("timeline(first: 5) { nodes { __typename at report { id } } }", 1 + 1 + 1),  # the reports of the events
        (f"category {{ name }} {AREAS} {LISTS}", 1 + 2 + 1 + 1 + 2),  # and the evidence of the events
    ],
)
async def test_a_page_takes_as_many_statements_as_one_report(counted: Counted, fields: str, statements: int) -> None:
    document = f'query($n: Int!) {{ reports(area: {{code: "GM0518"}}, first: $n) {{ nodes {{ {fields} }} }} }}'
    await fill(counted.services.db, 8)
    assert [await counted.count(document, n=n) for n in (1, 2, 8)] == [statements] * 3


async def test_an_empty_page_of_a_shape_asks_once_more_whether_anything_can_be_there(counted: Counted) -> None:
    around = "{around: {point: {lon: 4.295, lat: 52.065}, metres: 50}}"
    assert await counted.count(f"{{ reports(area: {around}) {{ nodes {{ id }} }} }}") == 2
    assert await counted.count(f"{{ reports(area: {DISTRICT}) {{ nodes {{ id }} }} }}") == 1


async def test_one_report_takes_one_statement(counted: Counted) -> None:
    report = await submit(counted.services.db)
    report_id = make_id("Report", report.id)
    assert await counted.count(f"query($n: String!) {{ report(number: $n) {{ {SCALARS} }} }}", n=report.number) == 1
    assert await counted.count(f"query($id: ID!) {{ report(id: $id) {{ {SCALARS} }} }}", id=report_id) == 1
    assert (
        await counted.count(f"query($id: ID!) {{ node(id: $id) {{ ... on Report {{ {SCALARS} }} }} }}", id=report_id)
        == 1
    )
    twice = "query($id: ID!) { a: report(id: $id) { id } b: report(id: $id) { id district { name } } }"
    assert await counted.count(twice, id=report_id) == 1 + 1


MUTATION = "mutation($input: %(kind)sInput!) { %(name)s(input: $input) { ... on ReportEvent { version } } }"


@pytest.mark.parametrize(
    ("name", "viewer", "given", "statements"),
    [
        (
            "submitReport",
            RESIDENT,
            {"category": "glas", "description": "Glas", "location": INSIDE._asdict(), "confirmNew": True},
            ["SELECT place", "INSERT INTO report", "INSERT INTO involvement", "INSERT INTO event"],
        ),
        (
            "addEvidence",
            RESIDENT,
            {"remark": "Nog meer glas"},
            ["SELECT", "INSERT INTO evidence", "INSERT INTO involvement", "UPDATE report", "INSERT INTO event"],
        ),
        (
            "confirmReport",
            RESIDENT,
            {"verdict": "STILL_THERE"},
            [
                "SELECT",
                "INSERT INTO confirmation",
                "SELECT",
                "INSERT INTO involvement",
                "UPDATE report",
                "INSERT INTO event",
            ],
        ),
        ("changeStatus", OFFICER, {"to": "ON_HOLD"}, ["SELECT", "UPDATE report", "INSERT INTO event"]),
        ("changeVisibility", OFFICER, {"to": "PUBLIC"}, ["SELECT", "SELECT", "UPDATE report", "INSERT INTO event"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_changing_takes_these_statements(
    counted: Counted, name: str, viewer: Viewer, given: Json, statements: list[str]
) -> None:
    document = MUTATION % {"name": name, "kind": f"{name[0].upper()}{name[1:]}"}
    for key in (None, "0123456789abcdef"):  # the first time also warms the caches
        for _ in range(2):
            report = make_id("Report", (await submit(counted.services.db)).id)
            whole = given if name == "submitReport" else given | {"reportId": report}
            await counted.run(document, viewer, input={**whole, "idempotencyKey": key and key + report[-20:]})
        with_key = statements if key is None else ["INSERT INTO idempotency", *statements, "UPDATE idempotency"]
        found = [" ".join(s.split()) for s in counted.statements]
        assert len(found) == len(with_key), found
        assert all(s.startswith(start) for s, start in zip(found, with_key, strict=True)), found
