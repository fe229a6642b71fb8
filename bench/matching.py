"""How well duplicates are found: precision, recall, hit@3 and suggestions, beside three simple rules.

A city's reports say which of them are duplicates, and have no texts; our own pairs of Dutch texts say whether both are
about one situation. What was fitted on a part of the city (`bench.fit_matching`) is measured on the other part.
"""

import csv
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.duplicates import Near, Sample, candidates, compared, earlier, read
from bench.figures import Figure
from geo import demo
from geo.matching import THRESHOLD, Comparison, relation
from geo.models import Category, Urgency, Visibility
from geo.words import words

PAIRS = Path(__file__).with_name("pairs")
FITTED = tuple(PAIRS / name for name in ("dutch_fit.csv", "dutch_fit_2.csv", "dutch_fit_3.csv"))
MEASURED = PAIRS / "dutch_200.csv"
SUGGESTED = 3
US = "BART"

Found = list[str]  # the ids that are suggested for a report, the likeliest first


def rule_a(draft: Sample, near: Near) -> Found:
    """The same category, 50 m, 12 weeks."""
    return [o.id for o, metres in near if o.nature == draft.nature and metres <= 50 and draft.days(o) <= 84]


def rule_b(draft: Sample, near: Near) -> Found:
    """The same category, 250 m, the nearest 5."""
    return [o.id for o, metres in near if o.nature == draft.nature and metres <= 250][:5]


def rule_c(draft: Sample, near: Near) -> Found:
    """30 m, 3 days."""
    return [o.id for o, metres in near if metres <= 30 and draft.days(o) <= 3]


RULES: Mapping[str, Callable[[Sample, Near], Found]] = {"A": rule_a, "B": rule_b, "C": rule_c}


def scored(draft: Sample, near: Near) -> list[tuple[float, str]]:
    """The scores of BART's candidates, the likeliest first."""
    found = [(compared(draft, other, metres).score, other.id) for other, metres in candidates(draft, near)]
    return sorted(found, key=lambda pair: pair[0], reverse=True)


@dataclass(frozen=True, slots=True)
class Quality:
    """`precision` and `recall` are of reports for which something is suggested, as a sign that they are duplicates;
    `hit3` is the part of known parents that are among the first three, `suggestions` their number for a report."""

    precision: float
    recall: float
    hit3: float
    suggestions: float

    @classmethod
    def of(cls, reports: Iterable[tuple[Sample, Found]]) -> "Quality":
        told = list(reports)
        right = sum(sample.duplicate for sample, found in told if found)
        parents = [sample.parent in found[:SUGGESTED] for sample, found in told if sample.parent]
        return cls(
            precision=right / sum(bool(found) for _, found in told),
            recall=right / sum(sample.duplicate for sample, _ in told),
            hit3=sum(parents) / len(parents),
            suggestions=sum(len(found) for _, found in told) / len(told),
        )


def precision_at(recall: float, best: Sequence[tuple[Sample, float]]) -> float:
    """Of the strictest threshold that finds so much: `best` has the best score of each report."""
    duplicates = sorted((score for sample, score in best if sample.duplicate), reverse=True)
    threshold = next(score for place, score in enumerate(duplicates, 1) if place / len(duplicates) >= recall)
    told = [sample.duplicate for sample, score in best if score >= threshold]
    return sum(told) / len(told)


def city(file: Path) -> list[Figure]:
    """The figures on the half of the city that nothing was fitted on."""
    half = [(sample, near) for sample, near in earlier(read(file)) if sample.area % 2]
    scores = {sample.id: scored(sample, near) for sample, near in half}
    suggested = [
        (sample, [name for score, name in scores[sample.id] if score >= THRESHOLD][:SUGGESTED]) for sample, _ in half
    ]
    rules = {name: Quality.of((sample, rule(sample, near)) for sample, near in half) for name, rule in RULES.items()}
    figures = [
        Figure.of(f"matching.{measure}", unit, {"by": name}, [getattr(quality, measure)])
        for name, quality in {US: Quality.of(suggested), **rules}.items()
        for measure, unit in (
            ("precision", "share"),
            ("recall", "share"),
            ("hit3", "share"),
            ("suggestions", "per report"),
        )
    ]
    best = [(sample, max((score for score, _ in scores[sample.id]), default=0.0)) for sample, _ in half]
    for name in ("A", "C"):
        rule = rules[name]
        ours = precision_at(rule.recall, best)
        params = {"at_recall": f"{name}'s"}
        figures.append(Figure.of("matching.precision", "share", params, [ours], f"rule {name}", [rule.precision]))
    return figures


@cache
def known() -> dict[str, Category]:
    """The product's own categories, with as much of them as tells what they are to each other."""
    folder = Path(demo.__file__).parent
    texts = tomllib.loads((folder / "category_texts.toml").read_text(encoding="utf-8"))
    with (folder / "categories.csv").open(encoding="utf-8", newline="") as lines:
        return {
            row["slug"]: Category(
                slug=row["slug"],
                parent_slug=row["parent"] or None,
                name_nl=row["name_nl"],
                name_en=row["name_en"],
                visibility=Visibility(row["visibility"]),
                urgency=Urgency(row["urgency"]),
                handling_hours=int(row["handling_hours"]),
                active=True,
                related=tuple(texts[row["slug"]].get("related", ())),
            )
            for row in csv.DictReader(lines)
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """A draft and an open report, and whether they are about one situation."""

    draft: str
    draft_category: str
    report: str
    report_category: str
    metres: float
    days: float
    same: bool

    def compared(self, heard: Callable[[str], str] = str) -> Comparison:
        """`heard` is what comes through of a text."""
        draft, report = words(heard(self.draft)), words(heard(self.report))
        between = relation(known(), self.draft_category, self.report_category)
        return Comparison.of(self.metres, self.days, between, True, draft, report)


def pairs(file: Path) -> list[Pair]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            Pair(
                draft=row["draft_text"],
                draft_category=row["draft_category"],
                report=row["candidate_text"],
                report_category=row["candidate_category"],
                metres=float(row["metres"]),
                days=float(row["days"]),
                same=row["same"] == "1",
            )
            for row in csv.DictReader(lines)
        ]


def f1(judged: Sequence[Pair]) -> float:
    """The harmonic mean of precision and recall of "the same situation"."""
    told = [pair for pair in judged if pair.compared().score >= THRESHOLD]
    return 2 * sum(pair.same for pair in told) / (len(told) + sum(pair.same for pair in judged))


def measure(file: Path | None) -> list[Figure]:
    """Without a city's file, the Dutch pairs alone."""
    if file is None or not file.is_file():
        where = "FILE" if file is None else f'"{file}"'
        print(f"matching: {where} of a city's reports is not there, so only our own Dutch pairs are measured.")
        return dutch()
    return city(file) + dutch()


def dutch() -> list[Figure]:
    return [Figure.of("matching.f1_dutch", "share", {"by": US}, [f1(pairs(MEASURED))])]
