"""Profiles: who watches, which faults run, and how much is done in full and in short."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.chaos.faults import FAULTS
from tests.chaos.people import ANYBODY, DESK, DISTRICT_DESK, RESIDENTS, TEAM
from tests.chaos.records import Interest
from tests.chaos.stage import Effort, Stage
from tests.chaos.watchers import CITY

Watched = Callable[[Stage], Iterable[Interest]]


@dataclass(frozen=True)
class Profile:
    """The faults are names of functions in faults.py."""

    watched: Watched
    full: Effort
    faults: tuple[str, ...]
    short: Effort
    short_faults: tuple[str, ...]


CENTRE, WEST, SOUTH = {"code": "WK051828"}, {"code": "WK051829"}, {"code": "SD-escamp"}
STREETS = {"bbox": {"west": 4.29, "south": 52.06, "east": 4.32, "north": 52.08}}
DUNES = {
    "polygon": {
        "type": "Polygon",
        "coordinates": [[[4.27, 52.09], [4.3, 52.09], [4.33, 52.11], [4.31, 52.13], [4.27, 52.11], [4.27, 52.09]]],
    }
}
WAITING = {"statuses": ["REPORTED", "ON_HOLD"]}
PLANNED = {"statuses": ["SCHEDULED"], "urgencies": ["NORMAL"]}
BULKY = {"categories": ["grofvuil"]}


def spine(stage: Stage) -> Iterable[Interest]:
    """Every kind of watcher of reports: who it is, what area, what filter."""
    yield Interest("anybody, city", ANYBODY, CITY)
    yield Interest("team, city", TEAM, CITY)
    for name, area in (("centre", CENTRE), ("streets", STREETS), ("dunes", DUNES)):
        for person in (ANYBODY, DESK, DISTRICT_DESK):
            yield Interest(f"{person.name or 'anybody'}, {name}", person, area)
    for name, which in (("waiting", WAITING), ("planned", PLANNED), ("bulky", BULKY)):
        yield Interest(f"anybody, west, {name}", ANYBODY, WEST, which)
        yield Interest(f"desk, streets, {name}", DESK, STREETS, which)
        yield Interest(f"district desk, south, {name}", DISTRICT_DESK, SOUTH, which)
    for resident in RESIDENTS:
        yield Interest(f"{resident.name}, dunes", resident, DUNES)
        yield Interest(f"{resident.name}, bulky", resident, CITY, BULKY)
    for person, report in zip((ANYBODY, DESK, TEAM, *RESIDENTS), stage.steady, strict=True):
        yield Interest(f"{person.name or 'anybody'}, one report", person, report=report)


PROFILES = {
    "spine": Profile(
        watched=spine,
        full=Effort(events=8_000, seconds=30, lasts=3, servers=3, writers=4, crowd=5_000, patience=60),
        faults=tuple(FAULTS),
        short=Effort(events=300, seconds=2, lasts=0.3, servers=2, writers=2, crowd=200, patience=10),
        short_faults=("kill_server", "disconnect_listeners", "hold_writers", "crowd_returns", "restart_postgres"),
    )
}
