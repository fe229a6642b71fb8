"""Of a sensitive report nobody who may not know of it finds a trace, whatever they ask: every query, mutation and
subscription that the schema has, with arguments aimed at the report, answers as if it were not there."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from geo.db import Database, engine
from geo.models import ActorKind, EvidenceKind, Report, Role, Visibility
from geo.tables import evidence
from geo.usecases.change_visibility import change_visibility
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from schema.root import make_schema
from tests.clients.caller import calling
from tests.clients.watchers import watch
from tests.conftest import Served, copied, running
from tests.schema.generated import Operation, operations
from tests.world import INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, build, submit

pytestmark = pytest.mark.anyio

SCHEMA = make_schema()._schema
SECRET = "Een geheim over de bovenburen"
APP = Viewer(Role.APP, "app/geheim", "app")
PARTNER = Viewer(Role.PARTNER, "licht/ploeg", "licht")
ELSEWHERE_POLICE = Viewer(Role.POLICE, "ver/team", "ver", frozenset({"GM0363"}))
STRANGERS = [ANONYMOUS, RESIDENT, NEIGHBOUR, APP, PARTNER, OFFICER, ELSEWHERE_POLICE]  # it was RESIDENT who reported it


class Twins(NamedTuple):
    """Two servers with the same in them, but for a report that the police alone may know of."""

    knowing: Served
    ignorant: Served
    secret: Report
    piece: Any


@pytest.fixture(scope="module")
async def twins(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Twins]:
    async with AsyncExitStack() as stack:
        original = stack.enter_context(copied(server_url, template))
        db = Database(engine(original))
        await build(db)
        await submit(db, description="Glas dat iedereen mag zien")
        await db.engine.dispose()
        name = original.rpartition("/")[2].partition("?")[0]
        urls = [stack.enter_context(copied(server_url, name)) for _ in range(2)]
        databases = [Database(engine(url)) for url in urls]
        for database in databases:
            stack.push_async_callback(database.engine.dispose)
        secret = await submit(databases[0], description=SECRET, category="drugs", visibility=Visibility.POLICE)
        async with databases[0].write() as conn:
            piece = {"id": secret.id, "report_id": secret.id, "kind": EvidenceKind.REMARK, "remark": SECRET}
            who = {"party": RESIDENT.party, "added_by": ActorKind.RESIDENT, "added_at": secret.submitted_at}
            await conn.execute(evidence.insert().values(**piece, **who))
        knowing, ignorant = [
            await stack.enter_async_context(running(url, database, tmp_path_factory.mktemp("twin")))
            for url, database in zip(urls, databases, strict=True)
        ]
        yield Twins(knowing, ignorant, secret, secret.id)


def aimed(twins: Twins) -> dict[str, Any]:
    """Arguments by which one would look for the report, by their names, and others by their types."""
    secret = twins.secret
    place = INSIDE._asdict()
    return {
        "id": make_id("Report", secret.id),
        "reportId": make_id("Report", secret.id),
        "duplicateId": make_id("Report", secret.id),
        "intoId": make_id("Report", secret.id),
        "evidenceId": make_id("Evidence", twins.piece),
        "number": secret.number,
        "area": {"around": {"point": place, "metres": 50}},
        "category": secret.category,
        "description": SECRET,
        "text": "Zomaar een tekst",
        "remark": "Ik weet ervan",
        "confirmNew": False,
        "contentType": "image/jpeg",
        "first": 3,
        "location": place,
        "ID": make_id("Report", secret.id),
        "PointInput": place,
        "String": "abcdefghijklmnop",
        "Int": 3,
        "Float": 1.5,
        "Boolean": True,
        "DateTime": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "since": (datetime.now(UTC) - timedelta(days=30)).isoformat(),
        "givenAt": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
        "purposes": ["REGISTER"],
        "author": "geheim",
    }


VOLATILE = (
    (r'"[A-Za-z0-9+/_=-]{22,}"', '"opaque"'),  # ids and cursors
    (r'"\d{3}-?\d{3}-?\d{3}"', '"number"'),
    (r'"\d{4}-\d\d-\d\dT[^"]+"', '"time"'),
    (r'"http[^"]+"', '"link"'),
    (r"\d{3}-\d{3}-\d{3}", "number"),  # within texts
    (r'"(resetsIn|remaining)": \d+', '"budget": 0'),
)


def masked(answer: Any) -> str:
    """An answer without what differs between any two servers."""
    text = json.dumps(answer, ensure_ascii=False, sort_keys=True)
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text


async def ask(served: Served, viewer: Viewer, operation: Operation) -> Any:
    async with calling(served, viewer) as caller:
        if viewer is APP:
            caller.http.headers["Bart-Resident"] = "iemand"
        asked = {"query": operation.document, "variables": operation.variables}
        return (await caller.http.post(caller.url, json=asked)).json()


@pytest.mark.parametrize("kind", ["query", "mutation"])
@pytest.mark.parametrize("viewer", STRANGERS, ids=lambda viewer: viewer.party or viewer.role)
async def test_every_answer_is_as_if_it_were_not_there(twins: Twins, viewer: Viewer, kind: str) -> None:
    for operation in operations(SCHEMA, kind, aimed(twins)):
        if viewer is RESIDENT and operation.name == "Mutation.eraseContribution":
            continue  # what it reported it may take back, without being told what became of it
        told, nothing = [await ask(served, viewer, operation) for served in (twins.knowing, twins.ignorant)]
        assert masked(told) == masked(nothing), operation
        sent = json.dumps(operation.variables)
        assert SECRET not in json.dumps(told) or SECRET in sent, operation
        assert not re.search('"(InternalError|InvalidRequest|Too[A-Z][a-z]+)"', json.dumps(told)), (operation, told)


async def test_the_police_finds_it(twins: Twins) -> None:
    """So that nothing above holds for want of anything to find."""
    found = [masked(await ask(twins.knowing, POLICE, each)) for each in operations(SCHEMA, "query", aimed(twins))]
    assert sum(SECRET in answer for answer in found) >= 3


class Heard(list[Any]):
    """What a subscription told, as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.more = asyncio.Event()

    def append(self, told: Any) -> None:
        super().append(told)
        self.more.set()


@asynccontextmanager
async def listening(served: Served, viewer: Viewer, operation: Operation) -> AsyncIterator[Heard]:
    heard = Heard()
    headers = {} if viewer is ANONYMOUS else served.headers(viewer)
    transport = WebsocketsTransport(served.sockets, init_payload=headers)

    async def listen() -> None:
        async with Client(transport=transport, fetch_schema_from_transport=False) as session:
            request = GraphQLRequest(operation.document, variable_values=dict(operation.variables))
            try:
                async for data in session.subscribe(request):
                    heard.append(data)
            except TransportQueryError as error:  # a refusal is an answer too, to be the same on both servers
                heard.append(error.errors)

    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.1)


def subscriptions(twins: Twins, after: str) -> Sequence[Operation]:
    """One for each subscription, from a place in the feed on."""
    values = aimed(twins) | {"area": {"code": "WK051829"}, "after": after}
    return [*{each.name: each for each in operations(SCHEMA, "subscription", values)}.values()]


@pytest.mark.parametrize("viewer", [ANONYMOUS, RESIDENT, OFFICER, ELSEWHERE_POLICE], ids=lambda v: v.party or v.role)
async def test_every_subscription_tells_as_if_it_were_not_there(twins: Twins, viewer: Viewer) -> None:
    told, nothing = [await told_of_a_public_report(twins, served, viewer) for served in (twins.knowing, twins.ignorant)]
    assert masked(told) == masked(nothing)
    assert SECRET not in json.dumps(told)


async def told_of_a_public_report(twins: Twins, served: Served, viewer: Viewer) -> list[Heard]:
    """What each subscription tells of a public report, and of a change of the secret before it where there is one."""
    async with AsyncExitStack() as stack, calling(served) as anybody:
        after = await anybody.now({"code": "WK051829"})
        watched = subscriptions(twins, after)
        heard = [await stack.enter_async_context(listening(served, viewer, each)) for each in watched]
        witness = await stack.enter_async_context(watch(served, after=after))
        if served is twins.knowing:
            await change_visibility(served.db, POLICE, twins.secret.id, Visibility.POLICE, None)
        public = await submit(served.db, description="Voor iedereen")
        await witness.until(make_id("Report", public.id))
        async with asyncio.timeout(20):
            await asyncio.gather(
                *(one.more.wait() for one, each in zip(heard, watched, strict=True) if "report" in each.name)
            )
    return heard
