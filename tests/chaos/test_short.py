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


def played(postgres: Postgres, folder: Path, faults: Sequence[str], plant: str | None = None) -> list[Outcome]:
    effort = SPINE.short if plant is None else replace(SPINE.short, events=150, seconds=1, patience=3)
    module = ("tests.chaos.planted", plant) if plant else AS_DEPLOYED

    async def collect() -> list[Outcome]:
        return [
            outcome
            async for outcome in play(postgres, folder, SPINE.watched, map(FAULTS.__getitem__, faults), effort, module)
        ]

    return uvloop.run(collect())


def test_nothing_is_lost_doubled_out_of_order_leaked_or_untrue(postgres: Postgres, tmp_path: Path) -> None:
    outcomes = played(postgres, tmp_path, SPINE.short_faults)
    assert len(outcomes) == len(SPINE.short_faults)
    for outcome in outcomes:
        assert outcome.events >= SPINE.short.events
        assert outcome.deliveries > outcome.events
        assert not outcome.findings, outcome.fault
    assert sum(outcome.closings.total() for outcome in outcomes) >= 2 * SPINE.short.crowd


@pytest.mark.parametrize(
    ("plant", "fault"), [("by_id", "hold_writers"), ("no_poll", "calm"), ("no_resume", "cut_connections")]
)
def test_a_planted_bug_is_found(postgres: Postgres, tmp_path: Path, plant: str, fault: str) -> None:
    (outcome,) = played(postgres, tmp_path, [fault], plant)
    assert outcome.count(Rule.LOST) > 0
