"""The chaos in short, and that it sees the bugs it is there for: every server of a run has one planted."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from tests.chaos.act import Outcome
from tests.chaos.checker import Rule
from tests.chaos.faults import FAULTS
from tests.chaos.play import city, play
from tests.chaos.profiles import PROFILES
from tests.chaos.servers import AS_DEPLOYED, Postgres
from tests.chaos.stage import Effort

SPINE = PROFILES["spine"]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="bart-chaos-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root but as another user, who must get in
        made = Postgres(Path(folder))
        uvloop.run(city(made))
        yield made
        uvloop.run(made.stop())


def played(
    postgres: Postgres, folder: Path, faults: Sequence[str], effort: Effort, module: Sequence[str] = AS_DEPLOYED
) -> list[Outcome]:
    async def collect() -> list[Outcome]:
        chosen = [FAULTS[name] for name in faults]
        return [outcome async for outcome in play(postgres, folder, SPINE.watched, chosen, effort, module)]

    return uvloop.run(collect())


def test_nothing_is_lost_doubled_out_of_order_leaked_or_untrue(postgres: Postgres, tmp_path: Path) -> None:
    outcomes = played(postgres, tmp_path, SPINE.short_faults, SPINE.short)
    assert len(outcomes) == len(SPINE.short_faults)
    for outcome in outcomes:
        assert outcome.events >= SPINE.short.events
        assert outcome.deliveries > outcome.events
        assert not outcome.findings, outcome.fault
    assert sum(outcome.closings.total() for outcome in outcomes) >= 2 * SPINE.short.crowd


@pytest.mark.parametrize(
    ("plant", "fault", "servers"),
    [("by_id", "hold_writers", 1), ("no_poll", "calm", 2), ("no_resume", "cut_connections", 1)],
)
def test_a_planted_bug_is_found(postgres: Postgres, tmp_path: Path, plant: str, fault: str, servers: int) -> None:
    effort = replace(SPINE.short, events=150, seconds=1, patience=3, servers=servers)
    (outcome,) = played(postgres, tmp_path, [fault], effort, ("tests.chaos.planted", plant))
    assert outcome.count(Rule.LOST) > 0
