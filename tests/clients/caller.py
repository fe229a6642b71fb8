"""A caller over HTTP, with httpx."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from geo.models import Point
from geo.viewer import ANONYMOUS, Viewer
from tests.conftest import Served

Json = dict[str, Any]
Variables = Mapping[str, Any]

MUTATE = """
mutation Mutate($input: %(kind)s!) {
  %(name)s(input: $input) {
    __typename
    %(made)s
    ... on Problem { code message hint }
  }
}
"""
EVENT = "... on ReportEvent { cursor reportId version }"
SNAPSHOT = """
query Snapshot($area: AreaInput!, $filter: ReportFilter, $after: String) {
  reports(area: $area, filter: $filter, first: 100, after: $after) {
    liveCursor
    nodes { id number status urgency visibility description version confirmations location { lon lat } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@dataclass(frozen=True)
class Caller:
    """Asks and changes, as one viewer."""

    http: httpx.AsyncClient
    url: str

    async def run(self, document: str, variables: Variables) -> Json:
        answer = await self.http.post(self.url, json={"query": document, "variables": variables})
        body: Json = answer.json()
        assert "errors" not in body, body["errors"]
        data: Json = body["data"]
        return data

    async def attempt(self, name: str, made: str = EVENT, **given: Any) -> Json:
        """What a mutation made, by the selection `made`, or the problem."""
        document = MUTATE % {"name": name, "kind": f"{name[0].upper()}{name[1:]}Input", "made": made}
        answer: Json = (await self.run(document, {"input": given}))[name]
        return answer

    async def mutate(self, name: str, made: str = EVENT, **given: Any) -> Json:
        """What a mutation made; there must be no problem."""
        answer = await self.attempt(name, made, **given)
        assert "code" not in answer, answer
        return answer

    async def submit(self, at: Point, description: str = "Glas rond de glasbak", category: str = "glas") -> str:
        """The id of a new report."""
        given: Json = {"category": category, "description": description, "location": at._asdict(), "confirmNew": True}
        event = await self.mutate("submitReport", **given)
        return str(event["reportId"])

    async def now(self, area: Variables) -> str:
        """The place in the feed where watching an area begins."""
        return str((await self.run(SNAPSHOT, {"area": area}))["reports"]["liveCursor"])

    async def snapshot(self, area: Variables, filter: Variables | None = None) -> tuple[dict[str, Json], str]:
        """All reports of an area by id, page by page, and the place in the feed where following them begins."""
        found: dict[str, Json] = {}
        cursors, after = [], None
        while True:
            variables = {"area": area, "filter": filter, "after": after}
            page = (await self.run(SNAPSHOT, variables))["reports"]
            cursors.append(page["liveCursor"])
            found |= {report["id"]: report for report in page["nodes"]}
            if not page["pageInfo"]["hasNextPage"]:
                return found, cursors[0]
            after = page["pageInfo"]["endCursor"]


@asynccontextmanager
async def calling(served: Served, viewer: Viewer = ANONYMOUS) -> AsyncIterator[Caller]:
    headers = {} if viewer is ANONYMOUS else served.headers(viewer)
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        yield Caller(http, served.graphql)
