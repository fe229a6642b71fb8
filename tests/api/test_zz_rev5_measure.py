import asyncio, sys, time, signal, json, os
import pytest
from tests.process import serving
from websockets import connect, Subprotocol
pytestmark = pytest.mark.anyio
@pytest.mark.parametrize("options", [("--workers","2")])
async def test_m(database_url, world, tmp_path, options, monkeypatch):
    monkeypatch.setenv("PYTHONPATH","/tmp/rev5/site")
    t=time.time()
    async with serving(database_url, world, tmp_path, *options) as (served, p):
        print("start", time.time()-t)
        pids=[json.loads(r)["pid"] for r in (tmp_path/"log").read_text().splitlines() if "process_started" in r]
        async with connect(served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as ws:
            await ws.send('{"type": "connection_init"}'); await ws.recv()
            t=time.time()
            p.send_signal(signal.SIGTERM)
            await ws.wait_closed()
            print("closed", ws.close_code, time.time()-t)
            w=asyncio.create_task(p.wait())
            while not w.done():
                await asyncio.wait({w},timeout=0.7)
                alive=[]
                for pid in pids:
                    try: os.kill(pid, signal.SIGUSR1); alive.append(pid)
                    except ProcessLookupError: pass
                print(time.time()-t, alive)
            print("ended", p.returncode, time.time()-t)
