"""The score says how likely two reports are about one situation, and never falls where they come closer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.matching import THRESHOLD, Comparison, Relation, relation
from geo.matching_weights import PLACE, WORDS
from geo.models import Category, Urgency, Visibility
from geo.words import Overlap, compare, words

BIN = "Glasbak is vol, overal flessen ernaast"
TEXTS = st.sampled_from(
    [
        BIN,
        "Glascontainer zit propvol",
        "Ruit van het bushokje ingeslagen, glas op de stoep",
        "Weer een losse tegel bij de school",
        "Lantaarnpaal brandt niet",
        "",
    ]
)
COMPARISONS = st.builds(
    Comparison.of,
    st.floats(0, 200),
    st.floats(0, 200),
    st.sampled_from(Relation),
    st.booleans(),
    TEXTS.map(words),
    TEXTS.map(words),
)


def category(slug: str, parent: str | None = None, related: tuple[str, ...] = ()) -> Category:
    return Category(slug, parent, slug, slug, Visibility.PUBLIC, Urgency.NORMAL, 72, True, related=related)


CATEGORIES = {
    made.slug: made
    for made in (
        category("afval"),
        category("glas", "afval", related=("ruit",)),
        category("zwerfvuil", "afval"),
        category("meubilair"),
        category("ruit", "meubilair"),
    )
}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("glas", "glas", Relation.SAME),
        ("glas", "ruit", Relation.RELATED),
        ("glas", "afval", Relation.RELATED),
        ("glas", "zwerfvuil", Relation.SIBLING),
        ("glas", "meubilair", Relation.OTHER),
        ("afval", "meubilair", Relation.OTHER),
        ("glas", "unknown", Relation.OTHER),
        ("unknown", "unknown", Relation.SAME),
    ],
)
def test_what_categories_are_to_each_other(one: str, other: str, expected: Relation) -> None:
    assert relation(CATEGORIES, one, other) is relation(CATEGORIES, other, one) is expected


@given(COMPARISONS, st.floats(0, 100), st.floats(0, 100))
def test_farther_and_longer_ago_never_score_higher(compared: Comparison, metres: float, days: float) -> None:
    assert 0 <= compared.score <= 1
    assert replace(compared, metres=compared.metres + metres).score <= compared.score
    assert replace(compared, days=compared.days + days).score <= compared.score
    assert replace(compared, open=False).score <= replace(compared, open=True).score


@given(COMPARISONS)
def test_a_nearer_category_never_scores_lower(compared: Comparison) -> None:
    scores = [
        replace(compared, relation=each).score
        for each in (Relation.SAME, Relation.RELATED, Relation.SIBLING, Relation.OTHER)
    ]
    assert scores == sorted(scores, reverse=True)


@given(COMPARISONS)
def test_what_differs_never_scores_higher(compared: Comparison) -> None:
    if compared.likeness is None:
        return
    overlaps = (Overlap(0.0, True), Overlap(0.0, False), Overlap(0.5, False), Overlap(1.0, False))
    like = compared.likeness
    for better in (
        [replace(like, things=overlap) for overlap in overlaps],
        [replace(like, troubles=overlap) for overlap in overlaps],
        [replace(like, marks=overlap) for overlap in overlaps],
    ):
        scores = [replace(compared, likeness=each).score for each in better]
        assert scores == sorted(scores)


@given(st.floats(0, 15), st.floats(0, 2), TEXTS, TEXTS)
def test_no_place_is_so_near_that_it_tells_more_than_a_phone_knows(
    metres: float, days: float, draft: str, report: str
) -> None:
    here, there = (
        Comparison.of(apart, days, Relation.SAME, True, words(draft), words(report)).score for apart in (0, metres)
    )
    assert here == there


def test_where_nothing_is_written_place_and_time_decide() -> None:
    def score(metres: float, days: float, between: Relation = Relation.SAME) -> float:
        return Comparison.of(metres, days, between, True, words(""), words(BIN)).score

    assert score(5, 0) >= THRESHOLD > score(60, 0)
    assert score(5, 40) < THRESHOLD
    assert score(5, 0, Relation.OTHER) == 0


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("De glascontainer zit propvol, flessen staan op de grond", True),
        ("Glasbak bij de supermarkt is vol", True),
        ("Ruit van het bushokje ingeslagen, glas op de stoep", False),
        ("Lantaarnpaal staat scheef na aanrijding", False),
    ],
)
def test_words_decide_between_what_is_equally_near(other: str, same: bool) -> None:
    compared = Comparison.of(30, 1, Relation.SAME, True, words(BIN), words(other))
    assert (compared.score >= THRESHOLD) is same


def test_every_weight_is_used_and_points_one_way() -> None:
    compared = Comparison.of(10, 1, Relation.SAME, True, words(BIN), words(BIN))
    assert (compared.place.keys(), compared.words.keys()) == (PLACE.keys(), WORDS.keys())
    for weights in (PLACE, WORDS):
        assert all(weight >= 0 for name, weight in weights.items() if name != "constant")


def test_reasons_are_readable_in_both_languages() -> None:
    texts = words("Glas rond de glasbak"), words("Glasscherven bij de glasbak")
    near = Comparison.of(41.7, 3.2, Relation.SAME, True, *texts)
    assert [reason.en for reason in near.reasons] == [
        "42 m away",
        "3 days ago",
        "same category",
        "similar words: glasscherven, glasbak",
    ]
    assert [reason.nl for reason in near.reasons] == [
        "42 m verderop",
        "3 dagen geleden",
        "zelfde categorie",
        "vergelijkbare woorden: glasscherven, glasbak",
    ]
    other = Comparison.of(0.2, 0.4, Relation.SIBLING, False, words(""), texts[1])
    assert [reason.en for reason in other.reasons] == [
        "0 m away",
        "less than a day ago",
        "related category",
        "resolved recently",
    ]
    assert [reason.en for reason in Comparison.of(3, 1, Relation.OTHER, True, *texts).reasons][1] == "1 day ago"


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ("glas", "glasscherven", True),
        ("glasscherven", "glas", True),
        ("stoeptegel", "tegels", True),
        ("lantarenpaal", "lantaarnpaal", True),
        ("boom", "bomen", True),
        ("put", "computer", False),
        ("tak", "straattakel", False),
        ("fiets", "bank", False),
        ("niet", "niet", False),
    ],
)
def test_words_meet_in_compounds_and_inflections(one: str, other: str, met: bool) -> None:
    found = compare(words(f"{one} hier"), words(f"{other} daar"))
    assert found.words == ((other,) if met else ())


@pytest.mark.parametrize(
    ("text", "things", "troubles", "marks"),
    [
        ("de glascontainer puilt uit", {"glasbak"}, {"vol"}, set()),
        ("flessencontainer bij de basisschool", {"glasbak"}, set(), {"school"}),
        ("Straatlamp doet het niet", {"lantaarn"}, {"defect"}, set()),
        ("Ringelorende ezel", set(), set(), set()),
    ],
)
def test_concepts_are_found_by_any_of_their_words(
    text: str, things: set[str], troubles: set[str], marks: set[str]
) -> None:
    found = words(text)
    assert {name.partition(":")[2] for name in found.things} >= things
    assert {name.partition(":")[2] for name in found.troubles} >= troubles
    assert {name.partition(":")[2] for name in found.marks} >= marks
    if not things:
        assert found.things | found.troubles | found.marks == set()


@pytest.mark.parametrize(
    ("text", "about", "where"),
    [
        ("Peuken bij het bankje", "peuk", "bank"),
        ("Matras achter de oude glasbak", "matras", "glasbak"),
        ("bij de glasbak", "glasbak", "glasbak"),
    ],
)
def test_what_is_named_to_tell_where_is_not_what_it_is_about(text: str, about: str, where: str) -> None:
    found = words(text)
    assert f"things:{about}" in found.things
    assert f"things:{where}" in found.marks
    assert (f"things:{where}" in found.things) is (where == about)


def test_a_listed_word_is_not_taken_for_another_of_its_stem() -> None:
    assert "marks:bakker" in words("de bakkers").marks
    assert "marks:bakker" not in words("de bak").marks
    assert "things:prullenbak" in words("de bak").things


def test_one_thing_may_be_told_with_more_of_its_parts() -> None:
    assert Overlap.of(frozenset("a"), frozenset("ab")) == Overlap(1.0, False)
    assert Overlap.of(frozenset("ab"), frozenset("bc")) == Overlap(0.5, False)
    assert Overlap.of(frozenset("a"), frozenset("b")) == Overlap(0.0, True)
    assert Overlap.of(frozenset(), frozenset("b")) == Overlap(0.0, False)
