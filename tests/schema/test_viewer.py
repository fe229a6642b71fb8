"""What a caller finds of its own: the reports it has to do with."""

import pytest

from tests.clients.caller import calling
from tests.conftest import Served
from tests.world import ELSEWHERE, INSIDE, NEIGHBOUR, RESIDENT

pytestmark = pytest.mark.anyio

OWN = """
query Own($after: String) {
  viewer { reports(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
}
"""


async def test_a_caller_pages_through_the_reports_it_has_to_do_with(server: Served) -> None:
    async with calling(server, RESIDENT) as anna, calling(server, NEIGHBOUR) as bram, calling(server) as nobody:
        own = [await anna.submit(INSIDE, f"Glas {number}") for number in range(3)]
        of_bram = await bram.submit(ELSEWHERE)
        first = (await anna.run(OWN, {}))["viewer"]["reports"]
        assert [node["id"] for node in first["nodes"]] == own[:0:-1]
        second = (await anna.run(OWN, {"after": first["pageInfo"]["endCursor"]}))["viewer"]["reports"]
        assert [node["id"] for node in second["nodes"]] == own[:1]
        assert not second["pageInfo"]["hasNextPage"]
        await anna.mutate("confirmReport", reportId=of_bram, verdict="STILL_THERE")
        assert (await anna.run(OWN, {}))["viewer"]["reports"]["nodes"][0] == {"id": of_bram}
        assert (await nobody.run(OWN, {}))["viewer"]["reports"]["nodes"] == []
