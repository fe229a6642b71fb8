"""Is this the same situation? How much a report resembles a draft, as one score in 0..1 with its reasons. Pure.

The score is a logistic function of what is compared: metres, days, categories, whether the report is still open, and
the words of both. Its weights are fitted by `python -m bench.fit_matching`, and stand in `geo.matching_weights`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log1p

from geo.matching_weights import PLACE, WORDS
from geo.models import Category, Report
from geo.words import Likeness, Words, compare

# F1 is highest where the threshold is half of it (Lipton, Elkan and Naryanaswamy 2014, https://arxiv.org/abs/1402.1892),
# and of writers that the weights were not fitted on it is nearly 0.75.
THRESHOLD = 0.37
ACCURACY = 15.0  # metres; closer than a phone knows its place, nearness tells no more
_REACH = 10.0  # metres beyond that, after which each step tells less
_FRESH = 2.0  # days within which many people see the same thing
_RECENT = 21.0  # days after which it is likely another time
_FAR, _FARTHEST = 60.0, 100.0  # metres between which one thing becomes unlikely


class Relation(StrEnum):
    """What two categories are to each other."""

    SAME = "SAME"
    RELATED = "RELATED"
    SIBLING = "SIBLING"
    OTHER = "OTHER"


def relation(categories: Mapping[str, Category], one: str, other: str) -> Relation:
    """A category is related to those it is often mixed up with, and to its main category."""
    if one == other:
        return Relation.SAME
    a, b = categories.get(one), categories.get(other)
    if a is None or b is None:
        return Relation.OTHER
    if other in (a.parent_slug, *a.related) or one in (b.parent_slug, *b.related):
        return Relation.RELATED
    return Relation.SIBLING if a.parent_slug and a.parent_slug == b.parent_slug else Relation.OTHER


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a report was found, for people."""

    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class Match:
    """A report that may be about the same situation. `score` is in 0..1, `days` lie between the two."""

    report: Report
    score: float
    reasons: tuple[Reason, ...]
    metres: float
    days: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that the score looks at; `likeness` is None where not both have words."""

    metres: float
    days: float
    relation: Relation
    open: bool
    likeness: Likeness | None

    @classmethod
    def of(
        cls, metres: float, days: float, relation: Relation, open: bool, draft: Words, report: Words
    ) -> "Comparison":
        return cls(metres, days, relation, open, compare(draft, report) if draft and report else None)

    @property
    def place(self) -> dict[str, float]:
        """What place and time say; the more of each, the likelier."""
        return {
            "constant": 1,
            "near": -log1p(max(self.metres - ACCURACY, 0) / _REACH),
            "fresh": -log1p(max(self.days - _FRESH, 0)),
            "open": self.open,
        }

    @property
    def words(self) -> dict[str, float]:
        """What categories and words say as well, where there are words; the more of each, the likelier."""
        if (like := self.likeness) is None:
            return {}
        return {
            "constant": 1,
            "place": _weigh(PLACE, self.place),
            "recent": -min(max(self.days - _RECENT, 0) / 7, 1),
            "here": -min(max(self.metres - _FAR, 0) / (_FARTHEST - _FAR), 1),
            "about": self.relation is not Relation.OTHER or like.things.shared > 0,
            "things": like.things.shared,
            "troubles": like.troubles.shared,
            "same_things": -like.things.differ,
            "same_troubles": -like.troubles.differ,
            "same_marks": -like.marks.differ,
        }

    @property
    def score(self) -> float:
        """How likely both are one situation, in 0..1. Of different main categories, without a word, they are not."""
        if self.likeness is None and self.relation is Relation.OTHER:
            return 0.0
        logit = _weigh(WORDS, self.words) if self.likeness else _weigh(PLACE, self.place)
        return 1 / (1 + exp(-logit))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        found = [_distance(self.metres), _time(self.days)]
        match self.relation:
            case Relation.SAME:
                found.append(Reason("zelfde categorie", "same category"))
            case Relation.RELATED | Relation.SIBLING:
                found.append(Reason("verwante categorie", "related category"))
        if not self.open:
            found.append(Reason("onlangs opgelost", "resolved recently"))
        if self.likeness and self.likeness.words:
            some = ", ".join(self.likeness.words[:3])
            found.append(Reason(f"vergelijkbare woorden: {some}", f"similar words: {some}"))
        return tuple(found)


def _weigh(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    return sum(weights[name] * value for name, value in features.items())


def _distance(metres: float) -> Reason:
    return Reason(f"{metres:.0f} m verderop", f"{metres:.0f} m away")


def _time(days: float) -> Reason:
    whole = int(days)
    if whole == 0:
        return Reason("minder dan een dag geleden", "less than a day ago")
    return Reason(f"{whole} {'dag' if whole == 1 else 'dagen'} geleden", f"{whole} day{'s' * (whole != 1)} ago")
