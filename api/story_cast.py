"""Who plays in the story: callers over HTTP, and watchers by server-sent events. Clients like any other."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

import httpx
from PIL import Image

Json = dict[str, Any]
PATIENCE = 20  # seconds


class StoryError(Exception):
    """Something did not go as it should."""


def expect(truth: object, what: str) -> None:
    if not truth:
        raise StoryError(what)


class Mailbox(Protocol):
    """Where the mails of the story arrive."""

    async def confirm(self, address: str) -> None:
        """Do as the mail says that asks whether the address is right."""

    async def read(self, address: str, about: str) -> str:
        """The plain text of the mail to an address that has this word in it, as soon as it is there."""


@dataclass
class Caller:
    """One who asks and changes."""

    url: str
    http: httpx.AsyncClient

    async def run(self, document: str, **variables: Any) -> Json:
        answer = await self.http.post(f"{self.url}/graphql", json={"query": document, "variables": variables})
        body: Json = answer.json()
        expect("errors" not in body, f"{body.get('errors')}")
        data: Json = body["data"]
        return data

    async def attempt(self, name: str, selection: str, **given: Any) -> Json:
        """What a mutation answers, or its problem."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        asked = f"{{ __typename {selection} ... on Problem {{ code message path hint }} }}"
        answer: Json = (await self.run(f"mutation($input: {kind}!) {{ {name}(input: $input) {asked} }}", input=given))[
            name
        ]
        return answer

    async def mutate(self, name: str, selection: str = "", **given: Any) -> Json:
        answer = await self.attempt(name, selection, **given)
        expect("code" not in answer, f"{name}: {answer}")
        return answer

    async def upload(self) -> str:
        """The id of an upload with a photo in it."""
        made = await self.mutate("createUpload", "... on UploadCreated { uploadId url }", contentType="image/jpeg")
        photo = BytesIO()
        Image.effect_noise((320, 240), 60).convert("RGB").save(photo, "JPEG")
        stored = await self.http.put(made["url"], content=photo.getvalue())
        expect(stored.status_code == 201, f"the photo was not taken: {stored.text}")
        return str(made["uploadId"])


@dataclass
class Watcher:
    """What a subscription tells, in order."""

    told: list[Json] = field(default_factory=list)
    inbox: asyncio.Queue[Json | Exception] = field(default_factory=asyncio.Queue)

    async def until(self, kind: str, **wanted: Any) -> Json:
        """The next event of a kind with these values; what comes before it is passed over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.inbox.get()
                if isinstance(event, Exception):
                    raise StoryError(f"A watcher was cut off: {event!r}") from event
                self.told.append(event)
                if event["__typename"] == kind and all(event.get(name) == value for name, value in wanted.items()):
                    return event


@asynccontextmanager
async def watching(caller: Caller, document: str, **variables: Any) -> AsyncIterator[Watcher]:
    """A subscription, until the block ends."""
    watcher = Watcher()
    task = asyncio.create_task(_listen(caller, document, variables, watcher))
    try:
        yield watcher
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _listen(caller: Caller, document: str, variables: Mapping[str, Any], watcher: Watcher) -> None:
    asked = {"query": document, "variables": variables}
    headers = {"Accept": "text/event-stream"}
    try:
        async with caller.http.stream(
            "POST", f"{caller.url}/graphql", json=asked, headers=headers, timeout=None
        ) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: ") and (body := json.loads(line.removeprefix("data: "))):
                    expect("errors" not in body, f"{body.get('errors')}")
                    (event,) = body["data"].values()
                    watcher.inbox.put_nowait(event)
    except (httpx.HTTPError, StoryError) as error:
        watcher.inbox.put_nowait(error)


@asynccontextmanager
async def calling(url: str, token: str, **headers: str) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}", **headers}, timeout=PATIENCE) as http:
        yield Caller(url, http)
