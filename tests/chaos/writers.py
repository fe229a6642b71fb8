"""Writers: over HTTP, to whichever server answers, each request again until it is answered, with the same keys."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import orjson

from geo.demo.areas import rows
from tests.chaos.history import Key
from tests.chaos.people import Person, calling, read_id
from tests.chaos.servers import Fleet
from tests.chaos.waiting import until

PATIENCE = 120.0  # seconds for one request, all its attempts together
STATUSES = ("REPORTED", "ROUTED", "SCHEDULED", "UNDER_WAY", "ON_HOLD", "RESOLVED")
CATEGORIES = ("glas", "zwerfvuil", "grofvuil", "volle-container")
PLACES = [(float(row["lon"]), float(row["lat"])) for row in rows() if row["code"].startswith("WK")]
JITTER = 0.002  # degrees

Input = dict[str, Any]


class Change(NamedTuple):
    """One mutation: its name and its input."""

    name: str
    input: Input


def document(changes: Sequence[Change]) -> str:
    """One operation that carries out all of them. The same names in the same order make the same text."""
    given = ", ".join(f"$m{n}: {c.name[0].upper()}{c.name[1:]}Input!" for n, c in enumerate(changes))
    asked = " ".join(f"m{n}: {c.name}(input: $m{n}) {{ ...Made ...Refused }}" for n, c in enumerate(changes))
    fragments = "fragment Made on ReportEvent { reportId version } fragment Refused on Problem { code }"
    return f"mutation Write({given}) {{ {asked} }} {fragments}"


class Choice:
    """Makes up changes; the same seed makes the same ones. `steady` reports stay visible to whom they are now."""

    def __init__(self, seed: str, reports: Sequence[str], steady: Sequence[str] = ()) -> None:
        self._random = Random(seed)
        self._reports = reports
        self._restless = sorted(set(reports) - set(steady))

    def point(self) -> Input:
        lon, lat = self._random.choice(PLACES)
        near = self._random.uniform
        return {"lon": round(lon + near(-JITTER, JITTER), 6), "lat": round(lat + near(-JITTER, JITTER), 6)}

    def confirm(self) -> Change:
        return self._of("confirmReport", verdict=self._random.choice(("STILL_THERE", "GONE")))

    def step(self) -> Change:
        return self._of("changeStatus", to=self._random.choice(STATUSES))

    def open_or_close(self) -> Change:
        """Half of the time to everybody, so that most watchers have something to see."""
        level = self._random.choice(("PUBLIC", "PUBLIC", "INVOLVED", "AUTHORITIES"))
        return Change("changeVisibility", {"reportId": self._random.choice(self._restless), "to": level})

    def move(self) -> Change:
        """Two events: the evidence, and the move that it makes."""
        return self._of("addEvidence", correction={"location": self.point()})

    def rename(self) -> Change:
        return self._of("addEvidence", correction={"category": self._random.choice(CATEGORIES)})

    def remark(self) -> Change:
        return self._of("addEvidence", remark="Het ligt er nog steeds.")

    def submit(self) -> Change:
        text = "Glas rond de glasbak op de hoek"
        new = {"category": self._random.choice(CATEGORIES), "description": text, "location": self.point()}
        return Change("submitReport", new | {"confirmNew": True})

    def batch(self) -> Iterator[Change]:
        """The changes of one request, some twenty events."""
        kinds: Sequence[tuple[Callable[[], Change], int]] = (
            (self.confirm, 3), (self.move, 4), (self.rename, 2), (self.step, 2), (self.open_or_close, 2),
            (self.remark, 1), (self.submit, 1),
        )  # fmt: skip
        for make, times in kinds:
            for _ in range(times):
                yield make()

    def key(self) -> str:
        return str(UUID(int=self._random.getrandbits(128)))

    def _of(self, name: str, **more: Any) -> Change:
        return Change(name, {"reportId": self._random.choice(self._reports), **more})


class Writer:
    """One person who writes, one request at a time. `accepted` is what servers answered to have done."""

    def __init__(self, fleet: Fleet, person: Person, choice: Choice, at: int = 0) -> None:
        self._fleet = fleet
        self._person = person
        self._choice = choice
        self._turn = count(at)
        self.accepted: list[Key] = []
        self.refused = 0
        self.unanswered: list[str] = []  # what was the trouble with requests that were given up
        self._trouble = ""  # of the last attempt that failed

    async def keep_writing(self, enough: Callable[[], bool]) -> None:
        async with calling(self._person) as http:
            while not (enough() or self.unanswered):
                await self._send(http, [*self._choice.batch()], None)

    async def write(self, changes: Sequence[Change], server: int | None = None) -> None:
        """These changes, at one server or at any."""
        async with calling(self._person) as http:
            await self._send(http, changes, server)

    async def _send(self, http: httpx.AsyncClient, changes: Sequence[Change], server: int | None) -> None:
        variables = {f"m{n}": c.input | {"idempotencyKey": self._choice.key()} for n, c in enumerate(changes)}
        body = orjson.dumps({"query": document(changes), "variables": variables})

        async def answered() -> bool:
            return await self._attempt(http, body, server)

        if not await until(answered, PATIENCE):
            self.unanswered.append(self._trouble)

    async def _attempt(self, http: httpx.AsyncClient, body: bytes, server: int | None) -> bool:
        """Whether it was answered: else there is no server, no database, or a part of it went wrong."""
        url = self._fleet[next(self._turn) % len(self._fleet) if server is None else server].url
        try:
            answer = await http.post(url, content=body, headers={"Content-Type": "application/json"})
            answered = orjson.loads(answer.content)
        except (httpx.TransportError, orjson.JSONDecodeError) as error:
            self._trouble = type(error).__name__
            return False
        if "errors" in answered or "data" not in answered:
            self._trouble = str(answered)
            return False
        for made in answered["data"].values():
            if "code" in made:
                self.refused += 1
            else:
                self.accepted.append(Key(read_id(made["reportId"]), made["version"]))
        return True
