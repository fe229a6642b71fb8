"""The log of a server that was asked everything: what happened is in it, and nothing that anybody wrote or is."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from websockets import Subprotocol, connect

from geo.db import Database
from geo.models import Role
from geo.viewer import Viewer
from tests.clients.caller import calling
from tests.process import serving
from tests.world import CITY, INSIDE

pytestmark = pytest.mark.anyio

# In every text, name and key below, so that one search tells whether any of them was logged.
MARK = "merkteken"
DESK = Viewer(Role.OFFICER, f"gemeente-{MARK}/desk-{MARK}", f"gemeente-{MARK}", frozenset({CITY}))
# Something that no caller caused, with a message that quotes what one wrote.
COMPLAIN = (
    "CREATE FUNCTION cry() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$%$$, NEW.description; END'",
    "CREATE TRIGGER cry BEFORE INSERT ON report FOR EACH ROW EXECUTE FUNCTION cry()",
)


async def test_the_log_tells_what_happened_and_nothing_of_anybody(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with serving(database_url, world, tmp_path) as (served, process), calling(served, DESK) as desk:
        key = f"{MARK}-0123456789abcdef"
        report = await desk.submit(INSIDE, MARK)
        await desk.mutate("addEvidence", reportId=report, remark=MARK, idempotencyKey=key)
        await desk.mutate("confirmReport", reportId=report, verdict="GONE")
        await desk.mutate("changeStatus", reportId=report, to="ROUTED", remark=MARK)
        made = await desk.mutate("createUpload", "... on UploadCreated { url }", contentType="image/png")
        assert (await desk.http.put(made["url"], content=MARK.encode())).status_code == 422
        await desk.http.get(f"{served.url}/photos/{MARK}")
        await desk.http.get(f"{served.url}/{MARK}?{MARK}")
        area = '{code: "WK051829"}'
        for document in (
            f'{{ reports(area: {area}, filter: {{text: "{MARK}"}}) {{ {MARK}: nodes {{ description }} }} }}',
            f'{{ area(code: "{MARK}") {{ code }} }}',
            f"{{ {MARK}",
            f'query {MARK} {{ {MARK}(a: "{MARK}") }}',
        ):
            await desk.http.post(served.graphql, json={"query": document, "variables": {MARK: MARK}})
        await desk.http.post(served.graphql, content=MARK, headers={"Authorization": f"Bearer {MARK}"})
        async with connect(served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as ws:
            await ws.send(json.dumps({"type": "connection_init", "payload": served.headers(DESK)}))
            await ws.send(json.dumps({"type": "subscribe", "id": MARK, "payload": {"query": f"{{ {MARK}"}}))
            await ws.recv()
            await ws.send(json.dumps({"type": MARK}))

        async with world.write() as conn:
            for statement in COMPLAIN:
                await conn.execute(text(statement))
        draft = {
            "category": "glas",
            "description": MARK,
            "location": INSIDE._asdict(),
            "confirmNew": True,
            "idempotencyKey": key + "2",
        }
        document = f"mutation($input: SubmitReportInput!) {{ {MARK}: submitReport(input: $input) {{ __typename }} }}"
        headers = {"X-Request-ID": "a-1.b_2"}
        answer = await desk.http.post(
            served.graphql, json={"query": document, "variables": {"input": draft}}, headers=headers
        )
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "InternalError"
        assert answer.headers["x-request-id"] == "a-1.b_2"
        again = await desk.http.get(f"{served.url}/healthz", headers={"X-Request-ID": f"{MARK} {MARK}"})
        process.send_signal(signal.SIGTERM)
        await process.wait()
        token = served.headers(DESK)["Authorization"].removeprefix("Bearer ")

    log = (tmp_path / "log").read_text()
    assert MARK not in log
    assert token.split(".")[1][:40] not in log
    lines: list[dict[str, Any]] = [json.loads(row) for row in log.splitlines() if row.startswith("{")]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)

    requests = [line for line in lines if line["event"] == "request"]
    assert {line["route"] for line in requests} == {
        "/graphql",
        "/healthz",
        "/uploads/{token}",
        "/photos/{token}",
        "unknown",
    }
    assert {401, 403, 404, 422, 200} <= {line["status"] for line in requests}
    assert all(line["ms"] >= 0 for line in requests)
    assert again.headers["x-request-id"] == requests[-1]["request_id"]

    (unexpected,) = [line for line in lines if line["event"] == "unexpected_error"]
    assert unexpected["request_id"] == "a-1.b_2"
    assert unexpected["error_id"] in error["message"]
    assert unexpected["fields"] == ["submitReport"]
    assert "geo/reports.py" in unexpected["exception"]
    assert "RaiseException" in unexpected["exception"]
    assert {line["level"] for line in lines} == {"info", "error"}
