"""The evaluation of the matching counts right, on data of our own; on real data it is held to what was promised."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench import __main__ as command
from bench import duplicates, matching
from bench.duplicates import Sample
from bench.figures import Figure
from bench.fit_matching import fit
from bench.matching import FITTED, MEASURED, Quality
from geo.models import Point

HOME = Point(4.30, 52.07)
START = date(2026, 1, 1)


def sample(
    id: str,
    metres: float = 0,
    day: int = 0,
    nature: str = "glass",
    lasting: int | None = None,
    duplicate: bool = False,
    parent: str | None = None,
) -> Sample:
    created = START + timedelta(days=day)
    completed = None if lasting is None else created + timedelta(days=lasting)
    return Sample(id, created, completed, nature, Point(HOME.lon, HOME.lat + metres / 111_300), 1, duplicate, parent)


SAMPLES = [
    sample("far", metres=220),
    sample("other", metres=20, nature="dogs"),
    sample("old", metres=40, lasting=10),
    sample("new", day=30),
    sample("twice", metres=10, day=32, duplicate=True, parent="new"),
]


def test_earlier_reports_are_near_ones_in_the_order_of_their_distance() -> None:
    found = {one.id: [other.id for other, _ in near] for one, near in duplicates.earlier(SAMPLES)}
    assert found == {
        "far": [],
        "other": ["far"],
        "old": ["other", "far"],
        "new": ["other", "old", "far"],
        "twice": ["new", "other", "old", "far"],
    }


def test_rules_suggest_what_they_say_and_we_look_at_what_is_open_or_resolved_of_late() -> None:
    *_, (draft, near) = duplicates.earlier(SAMPLES)
    assert matching.rule_a(draft, near) == ["new", "old"]
    assert matching.rule_b(draft, near) == ["new", "old", "far"]
    assert matching.rule_c(draft, near) == ["new"]
    assert [other.id for other, _ in duplicates.candidates(draft, near)] == ["new", "other"]
    later = sample("later", metres=10, day=10 + 14)
    assert [other.id for other, _ in duplicates.candidates(later, [(SAMPLES[2], 30.0)])] == ["old"]
    assert [name for _, name in matching.scored(draft, near)] == ["new", "other"]


def test_quality_is_counted_by_report() -> None:
    duplicate = sample("d", duplicate=True, parent="p")
    lonely = sample("l", duplicate=True)
    single = sample("s")
    told = [(duplicate, ["a", "b", "p", "c"]), (lonely, []), (single, ["a"]), (single, [])]
    assert Quality.of(told) == Quality(precision=1 / 2, recall=1 / 2, hit3=1, suggestions=5 / 4)
    assert Quality.of([(duplicate, ["a", "b", "c", "p"]), (single, [])]).hit3 == 0


def test_precision_is_read_at_a_recall() -> None:
    best = [(sample(str(score), duplicate=duplicate), score) for score, duplicate in ((0.9, True), (0.8, False))]
    best += [(sample("x", duplicate=True), 0.5), (sample("y"), 0.5), (sample("z"), 0.1)]
    assert matching.precision_at(0.5, best) == 1
    assert matching.precision_at(0.6, best) == 2 / 4


def test_weights_are_fitted_by_the_likeliest_of_a_group_and_none_is_negative() -> None:
    groups = [np.array([[1.0, x, 1 - x], [1.0, 0.0, 1.0]]) for x in (0.1, 0.2, 0.8, 0.9)]
    constant, up, down = fit(groups, [False, False, True, True])
    assert up > 0
    assert down == 0
    assert constant < 0


def test_without_the_file_the_dutch_pairs_are_measured_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results" / "latest.jsonl")
    for arguments, told in (["matching"], "FILE"), (["matching", str(tmp_path / "absent.csv")], "absent.csv"):
        done = CliRunner().invoke(command.cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        assert told in done.output.replace("\n", "")
        assert "f1_dutch" in done.output


def test_what_is_measured_was_not_fitted_on() -> None:
    def texts(file: Path) -> set[tuple[str, str]]:
        with file.open(encoding="utf-8", newline="") as lines:
            return {(row["draft_text"], row["candidate_text"]) for row in csv.DictReader(lines)}

    assert len(texts(MEASURED)) == 200
    for file in FITTED:
        assert texts(MEASURED).isdisjoint(texts(file))


@pytest.fixture(scope="module")
def city(real_data: Path) -> dict[str, Figure]:
    file = real_data / "reports" / "chicago_sanitation_2014_sample.csv"
    return {" ".join((figure.name, *map(str, figure.params.values()))): figure for figure in matching.city(file)}


def test_a_city_is_matched_better_than_by_rules(city: dict[str, Figure]) -> None:
    at_a, at_c = (city[f"matching.precision {rule}'s"].ratio for rule in "AC")
    assert at_a is not None
    assert at_c is not None
    assert at_a >= 2
    assert at_c > 1
    assert city["matching.hit3 BART"].value >= city["matching.hit3 B"].value
    assert city["matching.suggestions BART"].value <= city["matching.suggestions B"].value / 3
