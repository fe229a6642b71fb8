"""`python -m bench`: all benchmarks or one, as lines in a file."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import __main__ as command
from bench.environment import World
from bench.figures import Effort, Figure

FIELDS = ["name", "params", "value", "unit", "peer", "ratio", "runs", "min", "max"]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of results, with two benchmarks that find what they were told."""

    async def one(world: World, effort: Effort) -> list[Figure]:
        return [Figure.of("one.figure", "s", {}, [effort.seconds] * effort.runs)]

    async def other(world: World, effort: Effort) -> list[Figure]:
        return [Figure.of("other.figure", "s", {}, [effort.seconds] * effort.runs, "peer", [1.0] * effort.runs)]

    monkeypatch.setattr(command, "BENCHES", {"one": one, "other": other})
    monkeypatch.setattr(command, "WITHOUT_SERVER", {})
    monkeypatch.setattr(command, "world", lambda: nullcontext(World("", tmp_path)))
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results" / "latest.jsonl")
    return tmp_path / "results" / "latest.jsonl"


@pytest.mark.parametrize(("arguments", "names"), [([], ["one.figure", "other.figure"]), (["other"], ["other.figure"])])
def test_all_run_or_the_one_that_is_named(results: Path, arguments: list[str], names: list[str]) -> None:
    done = CliRunner().invoke(command.cli, [*arguments, "--runs", "3", "--seconds", "0.5"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["name"] for line in lines] == names
    for line in lines:
        assert list(line) == FIELDS
        assert (line["value"], line["runs"]) == (0.5, 3)
        assert line["name"].partition(".")[2] in done.output


def test_an_unknown_name_is_told_the_known_ones(results: Path) -> None:
    done = CliRunner().invoke(command.cli, ["submti"])
    assert done.exit_code == 2
    assert "one, other" in done.output
    assert not results.exists()
