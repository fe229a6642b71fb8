"""A revoked token is refused by every server within a second, and nothing more is told to whoever holds it."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from websockets import ClientConnection, ConnectionClosed, Subprotocol, connect

from api.bus import Bus
from geo import revocations
from geo.db import Database
from geo.models import Role
from geo.revocations import Revocation, Revocations
from geo.tables import revocation
from geo.usecases.revoke import revoke
from geo.viewer import Viewer
from tests.api.test_streams import WATCH, following
from tests.api.test_worker import do
from tests.clients.caller import calling
from tests.conftest import Served, running
from tests.process import bart, serving
from tests.world import INSIDE, RESIDENT

pytestmark = pytest.mark.anyio

PROMISED = 1.0  # seconds from the revocation to the end of all that its holder hears
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def mint(served: Served, *, organisation: str = "wijkapp", subject: str = "key", role: Role = Role.RESIDENT) -> str:
    return served.tokens.mint(
        role, subject=subject, organisation=organisation, areas=frozenset(), lifetime=timedelta(hours=1)
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def socket(served: Served, token: str) -> AsyncIterator[ClientConnection]:
    """A socket that watches the district."""
    async with connect(served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as ws:
        await ws.send(json.dumps({"type": "connection_init", "payload": bearer(token)}))
        assert json.loads(await ws.recv()) == {"type": "connection_ack"}
        await ws.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": WATCH}}))
        yield ws


async def refusal(served: Served, token: str) -> str | None:
    """The name of what a request with this token is refused for."""
    async with httpx.AsyncClient(headers=bearer(token)) as http:
        answer = await http.post(served.graphql, json={"query": "{ viewer { role } }"})
    if answer.status_code == 200:
        return None
    assert answer.status_code == 401
    (error,) = answer.json()["errors"]
    assert error["extensions"]["hint"]
    return str(error["extensions"]["code"])


async def end_of(ws: ClientConnection) -> None:
    with pytest.raises(ConnectionClosed):
        while True:
            await ws.recv()
    assert (ws.close_code, ws.close_reason) == (4401, "This token was revoked.")


async def test_all_that_a_token_opened_on_any_server_ends(database_url: str, world: Database, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        ends = []
        servers = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            served, _ = await stack.enter_async_context(serving(database_url, world, tmp_path / name))
            servers.append(served)
        token, other = mint(servers[0]), mint(servers[0])
        for served in servers:
            ends.append(end_of(await stack.enter_async_context(socket(served, token))))
            for kind in ("sse", "multipart"):
                stream = await stack.enter_async_context(following(served.graphql, kind, headers=bearer(token)))
                ends.append(_revoked(stream))
        spared = await stack.enter_async_context(following(servers[1].graphql, "sse", headers=bearer(other)))
        done = await asyncio.to_thread(bart, database_url, "token", "revoke", token)
        assert done.returncode == 0, done.stderr
        async with asyncio.timeout(PROMISED):
            await asyncio.gather(*ends)
        for served in servers:
            assert await refusal(served, token) == "TokenRevoked"
            assert await refusal(served, other) is None
            async with connect(served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as ws:
                await ws.send(json.dumps({"type": "connection_init", "payload": bearer(token)}))
                with pytest.raises(ConnectionClosed) as closed:
                    await ws.recv()
                assert closed.value.rcvd
                assert closed.value.rcvd.code == 4401
        async with calling(servers[0], RESIDENT) as anna:
            made = await anna.submit(INSIDE)
        async with asyncio.timeout(20):
            assert (await anext(spared))["data"]["reportEvents"] == {"reportId": made}


async def _revoked(stream: AsyncIterator[dict[str, object]]) -> None:
    (only,) = [result async for result in stream]
    assert only["errors"][0]["extensions"]["code"] == "TokenRevoked"  # type: ignore[index]


async def test_it_holds_without_a_hint(
    database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(bus: Bus, hear: Callable[[], None]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Bus, "run", deaf)
    async with running(database_url, world, tmp_path) as served:
        token = mint(served)
        async with following(served.graphql, "sse", headers=bearer(token)) as stream:
            await revoke(world, Revocation(datetime.now(UTC), token_id=served.tokens.read(token).token_id))
            async with asyncio.timeout(PROMISED):
                await _revoked(stream)


async def test_a_revocation_outlives_the_server(database_url: str, world: Database, tmp_path: Path) -> None:
    async with running(database_url, world, tmp_path) as served:
        token, kept = mint(served), mint(served, subject="another")
    await revoke(world, Revocation(datetime.now(UTC), organisation="wijkapp", subject="key"))
    async with running(database_url, world, tmp_path) as served:
        assert (await refusal(served, token), await refusal(served, kept)) == ("TokenRevoked", None)


async def test_tokens_are_named_by_themselves_by_id_and_by_their_holder(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    def command(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        return bart(database_url, "token", *arguments, said=said)

    made = command("--role", "resident", "--organisation", "a")
    by_id = made.stderr.rpartition("Its id: ")[2].strip()
    tokens = {"by id": made.stdout.strip()}
    async with running(database_url, world, tmp_path) as served:
        tokens["said"] = mint(served, organisation="a")
        tokens["of a subject"] = mint(served, organisation="b", subject="one")
        tokens["of an organisation"] = mint(served, organisation="c", role=Role.APP)
        tokens["of another subject"] = mint(served, organisation="b", subject="two")
        for arguments, said in (
            ([by_id], ""),
            ([], tokens["said"] + "\n"),
            (["--organisation", "b", "--subject", "one"], ""),
            (["--organisation", "c"], ""),
        ):
            done = await asyncio.to_thread(command, "revoke", *arguments, said=said)
            assert (done.returncode, done.stdout) == (0, ""), done.stderr
        last = tokens.pop("of another subject")
        async with asyncio.timeout(PROMISED):
            for token in tokens.values():
                while await refusal(served, token) is None:
                    pass
        assert await refusal(served, last) is None


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["a.b.c"], ["--subject", "x"], ["x", "--organisation", "y"]], ids=" ".join
)
def test_what_names_no_token_is_refused(database_url: str, arguments: list[str]) -> None:
    done = bart(database_url, "token", "revoke", *arguments)
    assert done.returncode == 2
    assert "Revoked" not in done.stderr


async def known(db: Database, *revoked: Revocation) -> Revocations:
    async with db.write() as conn:
        for each in revoked:
            await revocations.add(conn, each)
    made = Revocations(db)
    await made.load()
    return made


def holder(
    issued_at: datetime | None, *, subject: str = "key", organisation: str = "wijkapp", token_id: str | None = None
) -> Viewer:
    return Viewer(Role.APP, organisation=organisation, issued_at=issued_at, token_id=token_id, subject=subject)


async def test_only_what_was_issued_until_then_is_revoked(db: Database) -> None:
    made = await known(
        db, Revocation(NOW, organisation="wijkapp", subject="key"), Revocation(NOW - MINUTE, organisation="wijkapp")
    )
    for issued, subject, revoked in (
        (NOW - 2 * MINUTE, "other", True),
        (NOW, "other", False),
        (NOW, "key", True),
        (NOW + MINUTE, "key", False),
        (None, "other", True),
    ):
        assert made.revoked(holder(issued, subject=subject)) is revoked
    assert not made.revoked(holder(NOW - 2 * MINUTE, organisation="another"))
    assert not made.revoked(Viewer(Role.ANONYMOUS))


async def test_the_latest_revocation_counts(db: Database) -> None:
    made = await known(db, Revocation(NOW, organisation="wijkapp"), Revocation(NOW - MINUTE, organisation="wijkapp"))
    assert made.revoked(holder(NOW))


async def test_two_tokens_of_one_caller_make_the_same_viewer() -> None:
    assert holder(NOW, token_id="one") == holder(NOW + MINUTE, token_id="two", subject="other")


async def test_a_revocation_is_kept_as_long_as_its_tokens(database_url: str, db: Database) -> None:
    ahead, past = datetime.now(UTC) + MINUTE, datetime.now(UTC) - MINUTE
    made = await known(
        db,
        Revocation(NOW, token_id="good", expires_at=ahead),
        Revocation(NOW, token_id="expired", expires_at=past),
        Revocation(NOW, token_id="unknown"),
    )
    assert [made.revoked(holder(NOW, token_id=name)) for name in ("good", "expired", "unknown", None)] == [
        True,
        False,
        True,
        False,
    ]
    await do(database_url, db, "purge_revocations")
    async with db.read() as conn:
        left = (await conn.scalars(select(revocation.c.token_id))).all()
    assert sorted(left) == ["good", "unknown"]
