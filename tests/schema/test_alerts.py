"""Alerts over HTTP: who may publish and change them, and what everybody reads."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from geo.geometry import Box
from geo.models import Role, Severity
from geo.tables import alert
from geo.usecases.publish_alert import AlertDraft, publish_alert
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.refusals import refusal
from tests.conftest import Served
from tests.schema import test_statements
from tests.schema.test_problems import KEYS, TEXTS, nothing_stored, refused
from tests.world import ADMIN, CITY, OFFICER, POLICE, RESIDENT

pytestmark = pytest.mark.anyio

DISTRICT = {"code": "WK051829"}
MADE = "... on AlertEvent { cursor actor alertId version alert { id text advice severity version active } }"
SHOWN = "id severity text advice publisher publishedAt updatedAt validUntil withdrawnAt active version area { code }"
HEARD = """answers(first: 5) { nodes { text location { lon lat } photo { url } at } pageInfo { hasNextPage } }
    deliveries { watchers notified mailed answers }"""
READ = f"query($id: ID!) {{ node(id: $id) {{ ... on Alert {{ {SHOWN} {HEARD} }} }} }}"
LIST = f"""query($area: AreaInput!, $activeOnly: Boolean, $first: Int, $after: String) {{
    alerts(area: $area, activeOnly: $activeOnly, first: $first, after: $after) {{
        nodes {{ {SHOWN} {HEARD} }} pageInfo {{ hasNextPage endCursor }} liveCursor
    }}
}}"""
CHANGES: list[tuple[str, Json]] = [
    ("updateAlert", {"text": "Niets aan de hand"}),
    ("withdrawAlert", {}),
    ("answerAlert", {"text": "Witte bus"}),
]
COLLEAGUE = Viewer(Role.OFFICER, "municipality/other", "municipality", frozenset({CITY}))
STRANGERS = [
    ANONYMOUS,
    RESIDENT,
    POLICE,
    Viewer(Role.OFFICER, "ver/desk", "ver", frozenset({CITY})),
    Viewer(Role.RESIDENT, "municipality/anna", "municipality"),  # by the municipality's own app
    Viewer(Role.PARTNER, "municipality/sweeper", "municipality", frozenset({CITY})),
]


def until(hours: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def draft(**changes: Any) -> Json:
    return {"area": DISTRICT, "severity": "WARNING", "text": "Veel inbraken", "validUntil": until()} | changes


async def published(served: Served, viewer: Viewer = OFFICER, **changes: Any) -> str:
    async with calling(served, viewer) as desk:
        return str((await desk.mutate("publishAlert", MADE, **draft(**changes)))["alertId"])


async def read(served: Served, viewer: Viewer, alert_id: str) -> Json:
    async with calling(served, viewer) as caller:
        found: Json = (await caller.run(READ, {"id": alert_id}))["node"]
        return found


@pytest.fixture
async def lapsed(shared: Served) -> str:
    """The id of an alert whose time is over."""
    made = await publish_alert(
        shared.db,
        OFFICER,
        AlertDraft("WK051829", Severity.DANGER, "Gaslek", None, datetime.now(UTC) + timedelta(hours=1)),
        None,
    )
    async with shared.db.write() as conn:
        ended = {"valid_until": datetime.now(UTC) - timedelta(hours=1)}
        await conn.execute(update(alert).where(alert.c.id == made.event.alert_id).values(**ended))
    return make_id("Alert", made.event.alert_id)


async def test_everybody_reads_what_was_published(shared: Served) -> None:
    alert_id = await published(shared, POLICE, advice="Sluit ramen en deuren", severity="DANGER")
    found = await read(shared, ANONYMOUS, alert_id)
    assert found["publishedAt"] == found["updatedAt"]
    assert {name: found[name] for name in ("text", "advice", "severity", "publisher", "area", "active", "version")} == {
        "text": "Veel inbraken",
        "advice": "Sluit ramen en deuren",
        "severity": "DANGER",
        "publisher": "POLICE",
        "area": DISTRICT,
        "active": True,
        "version": 1,
    }


async def test_an_alert_for_a_shape_has_an_outline_and_no_area(shared: Served) -> None:
    box = {"west": 4.281, "south": 52.061, "east": 4.2890000004, "north": 52.069}
    alert_id = await published(shared, area={"bbox": box})
    async with calling(shared) as caller:
        document = "query($id: ID!) { node(id: $id) { ... on Alert { area { code } outline } } }"
        found = (await caller.run(document, {"id": alert_id}))["node"]
    assert found["area"] is None
    assert found["outline"]["type"] == "MultiPolygon"
    ((ring,),) = found["outline"]["coordinates"]
    corners = [[4.281, 52.061], [4.281, 52.069], [4.289, 52.061], [4.289, 52.069]]
    assert sorted(map(list, {tuple(place) for place in ring})) == corners


async def test_an_update_changes_what_it_names(shared: Served) -> None:
    alert_id = await published(shared, advice="Bel de wijkagent")
    later = until(5)
    async with calling(shared, COLLEAGUE) as desk:
        for given, expected in (
            ({"text": "  Nog meer inbraken "}, {"text": "Nog meer inbraken", "advice": "Bel de wijkagent"}),
            ({"severity": "DANGER", "advice": "Bel 112"}, {"severity": "DANGER", "advice": "Bel 112"}),
            ({"advice": None}, {"advice": None, "text": "Nog meer inbraken"}),
            ({"validUntil": later}, {"severity": "DANGER"}),
        ):
            told = await desk.mutate("updateAlert", MADE, alertId=alert_id, **given)
            assert told["__typename"] == "AlertUpdated"
            assert told["alert"].items() >= expected.items()
    assert told["version"] == told["alert"]["version"] == 5
    found = await read(shared, ANONYMOUS, alert_id)
    assert datetime.fromisoformat(found["validUntil"]) == datetime.fromisoformat(later)


async def test_a_withdrawn_alert_is_listed_when_asked_for(shared: Served) -> None:
    alert_id = await published(shared)
    async with calling(shared, ADMIN) as admin:
        told = await admin.mutate("withdrawAlert", MADE, alertId=alert_id)
    assert (told["__typename"], told["version"], told["alert"]["active"]) == ("AlertWithdrawn", 2, False)
    assert (await read(shared, ANONYMOUS, alert_id))["withdrawnAt"]
    async with calling(shared) as caller:
        for active_only, expected in ((True, False), (False, True)):
            page = (await caller.run(LIST, {"area": DISTRICT, "activeOnly": active_only}))["alerts"]
            assert (alert_id in {node["id"] for node in page["nodes"]}) is expected


async def test_pages_of_alerts(shared: Served) -> None:
    corner = {"bbox": {"west": 4.3101, "south": 52.0701, "east": 4.3102, "north": 52.0702}}
    made = [await published(shared, area=corner) for _ in range(3)]
    async with calling(shared) as caller:
        first = (await caller.run(LIST, {"area": corner, "first": 2}))["alerts"]
        assert [node["id"] for node in first["nodes"]] == made[:0:-1]
        assert first["pageInfo"]["hasNextPage"]
        more = {"area": corner, "first": 2, "after": first["pageInfo"]["endCursor"]}
        second = (await caller.run(LIST, more))["alerts"]
        assert [node["id"] for node in second["nodes"]] == made[:1]
        assert not second["pageInfo"]["hasNextPage"]
        foreign = await refusal(caller, LIST, more | {"activeOnly": False})
        assert foreign["code"] == "InvalidCursor"


@pytest.mark.parametrize(
    ("area", "code"),
    [
        ({"code": "WK999999"}, "UnknownArea"),
        ({"bbox": {"west": 5.8, "south": 51.9, "east": 5.9, "north": 52.0}}, "OutsideKnownArea"),
        ({"bbox": {"west": 4.31, "south": 52.06, "east": 4.30, "north": 52.07}}, "InvalidArea"),
        ({"around": {"point": {"lon": 4.3, "lat": 95}, "metres": 100}}, "InvalidLocation"),
    ],
)
async def test_an_area_that_cannot_be(shared: Served, area: Json, code: str) -> None:
    async with calling(shared) as caller:
        assert (await refusal(caller, LIST, {"area": area}))["code"] == code
        live = "subscription($area: AreaInput!) { alertEvents(area: $area) { __typename } }"
        assert (await refusal(caller, live, {"area": area}))["code"] == code
    problem = await refused(shared, ADMIN, "publishAlert", draft(area=area))
    assert (problem["code"], problem["path"][:2]) == (code, ["input", "area"])


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        *(({name: text}, "InvalidText", name) for text in TEXTS for name in ("text", "advice")),
        *(({"validUntil": at}, "InvalidPeriod", "validUntil") for at in ("2020-01-01T00:00:00Z", "2100-01-01T00:00Z")),
        ({"validUntil": "2026-11-24T12:00:00"}, "InvalidPeriod", "validUntil"),
        *(({"idempotencyKey": key}, "InvalidIdempotencyKey", "idempotencyKey") for key in KEYS),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_an_alert_that_cannot_be(shared: Served, change: Json, code: str, path: str) -> None:
    alert_id = await published(shared)
    for name, given in (("publishAlert", draft() | change), ("updateAlert", {"alertId": alert_id, **change})):
        if name == "updateAlert" and path == "idempotencyKey":
            given["text"] = "Anders"
        problem = await refused(shared, OFFICER, name, given)
        assert (problem["code"], problem["path"]) == (code, ["input", path])


async def test_an_update_of_nothing(shared: Served) -> None:
    problem = await refused(shared, OFFICER, "updateAlert", {"alertId": await published(shared)})
    assert (problem["code"], problem["path"]) == ("InvalidText", ["input"])


async def test_an_id_that_is_none_of_an_alert(shared: Served) -> None:
    for id_, code in (
        ("x", "InvalidId"),
        (make_id("Report", uuid4()), "InvalidId"),
        (make_id("Alert", "x"), "InvalidId"),
        (make_id("Alert", uuid4()), "UnknownAlert"),
    ):
        for name, rest in CHANGES:
            problem = await refused(shared, OFFICER, name, {"alertId": id_, **rest})
            assert (problem["code"], problem["path"]) == (code, ["input", "alertId"]), (name, id_)
    assert await read(shared, ADMIN, make_id("Alert", uuid4())) is None


async def test_nobody_else_publishes_or_changes(shared: Served) -> None:
    alert_id = await published(shared)
    elsewhere = Viewer(Role.OFFICER, "ver/desk", "ver", frozenset({"GM0363"}))
    for viewer in (ANONYMOUS, RESIDENT, elsewhere, STRANGERS[-1]):
        problem = await refused(shared, viewer, "publishAlert", draft())
        assert problem["code"] == "NotPermitted"
    assert problem["path"] == []
    assert (await refused(shared, elsewhere, "publishAlert", draft()))["path"] == ["input", "area"]
    for viewer in STRANGERS:
        for name, rest in CHANGES[:2]:
            problem = await refused(shared, viewer, name, {"alertId": alert_id, **rest})
            assert problem["code"] == "NotPermitted", (viewer, name)


async def test_what_has_ended_takes_no_change_and_no_answer(shared: Served, lapsed: str) -> None:
    withdrawn = await published(shared)
    async with calling(shared, OFFICER) as desk:
        await desk.mutate("withdrawAlert", MADE, alertId=withdrawn)
    for alert_id in (lapsed, withdrawn):
        for name, rest in CHANGES:
            problem = await refused(shared, OFFICER, name, {"alertId": alert_id, **rest})
            assert (problem["code"], problem["path"]) == ("AlertEnded", ["input", "alertId"])


async def test_publishing_is_done_once_for_one_key(shared: Served) -> None:
    given = draft(idempotencyKey=str(uuid4()))
    async with calling(shared, OFFICER) as desk:
        first = await desk.mutate("publishAlert", MADE, **given)
        async with nothing_stored(shared):
            again = await desk.mutate("publishAlert", MADE, **given)
    assert again["alert"] == first["alert"]
    for change in ({"area": {"code": "WK051801"}}, {"text": "Anders"}, {"advice": "Iets"}, {"severity": "DANGER"}):
        assert (await refused(shared, OFFICER, "publishAlert", given | change))["code"] == "IdempotencyKeyReused"


counted = test_statements.counted


async def test_a_page_takes_as_many_statements_as_one_alert(counted: test_statements.Counted) -> None:
    for number in range(5):
        for where in ("WK051829", Box(4.281, 52.061, 4.282, 52.062)):
            soon = datetime.now(UTC) + timedelta(hours=1)
            made = AlertDraft(where, Severity.WARNING, f"Bericht {number}", None, soon)
            await publish_alert(counted.services.db, OFFICER, made, None)
    plain = "{id text area {code} outline publisher active version}"
    document = 'query($n: Int!) { alerts(area: {code: "GM0518"}, first: $n) { nodes %s } }'
    assert [await counted.count(document % "{id text outline active}", OFFICER, n=n) for n in (1, 10)] == [1, 1]
    assert [await counted.count(document % plain, OFFICER, n=n) for n in (2, 10)] == [1 + 1] * 2
    heard = f"{{ id {HEARD} }}"
    assert [await counted.count(document % heard, OFFICER, n=n) for n in (1, 10)] == [1 + 2] * 2
    assert [await counted.count(document % heard, RESIDENT, n=n) for n in (1, 10)] == [1] * 2
