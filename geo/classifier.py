"""What a text is about: the category, and how urgent it is.

`Classifier` is the interface; `TermClassifier` goes by the Dutch terms of the categories. A term is found by the Dutch
text search of PostgreSQL, which knows `lantaarns` for `lantaarn`, or by its trigrams, which find `glas` in
`glasscherven`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Category, Urgency

MOST = 5
SURE = 0.5  # from which score the best may be taken
CLEAR = 0.12  # and by how much it must lead
READ = 600  # characters: what matters stands at the beginning
REASONS = 3
ASIDE = 0.5
PREPOSITIONS = ["bij", "naast", "achter", "tegenover", "langs", "voor", "onder", "op", "in", "aan", "tussen", "rond", "boven", "vanaf", "tegen", "richting", "om"]
ARTICLES = ["de", "het", "een", "t", "onze", "ons", "mijn", "dat", "die", "deze", "dit"]
HALF = 0.7  # of how much evidence the score is a half
LEAST, ALIKE, COMPOUND = 4, 0.72, 0.85  # letters of a word that may be like another, how much so, and in a compound


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category that a text may be about: its slug, a score in 0..1, and the words of the text that say so."""

    category: str
    score: float
    reasons: tuple[str, ...]


class Classifier(Protocol):
    async def classify(self, conn: AsyncConnection, text: str) -> list[Suggestion]:
        """The categories that a text may be about, the best first; empty where nothing fits."""


# The stem of a word; a word that says nothing, such as `de`, has none.
_STEM = "(ts_lexize('dutch_stem', word))[1]"
# A term is met when each of its words is: by the same stem, by the end of a compound (`tegel` in `stoeptegel`), or by
# trigrams (`glas` in `glasscherven`, `lantarenpaal` for `lantaarnpaal`). A word that meets one term by its stem meets
# no other by being like it. A word of a term counts for less the more categories have it. Of a category each word of
# the text counts once, and that of a main category, which its sub categories say better, for half.
_FIND = sql(f"""
    WITH spoken AS (
        SELECT word, nth AS nth, lag(word) OVER (ORDER BY nth) AS before, lag(word, 2) OVER (ORDER BY nth) AS earlier
        FROM regexp_split_to_table(lower(:text), '[^[:alpha:]]+') WITH ORDINALITY AS _ (word, nth)
    ), word AS MATERIALIZED (
        SELECT word, {_STEM} AS stem, CASE
            WHEN bool_and(before = ANY(:prepositions) OR (before = ANY(:articles) AND earlier = ANY(:prepositions)))
            THEN :aside ELSE 1
        END AS weight
        FROM spoken
        WHERE {_STEM} <> '' AND length(word) > 1
        GROUP BY word
    ), part AS MATERIALIZED (
        SELECT slug, parent_slug, term, word, {_STEM} AS stem
        FROM category, unnest(terms || name_nl) AS term, regexp_split_to_table(lower(term), '[^[:alpha:]]+') AS word
        WHERE active AND {_STEM} <> ''
    ), stem AS MATERIALIZED (
        SELECT stem, min(word) AS word, 1 / sqrt(count(DISTINCT slug)) AS weight FROM part GROUP BY stem
    ), likeness AS MATERIALIZED (
        SELECT stem.stem, stem.weight * word.weight AS weight, word.word, CASE
            WHEN stem.stem = word.stem THEN 1
            WHEN length(stem.stem) < :least THEN 0
            WHEN word.stem LIKE '%' || stem.stem THEN :compound
            ELSE word_similarity(stem.word, word.word)
        END AS score
        FROM stem, word
    ), meeting AS (
        SELECT DISTINCT ON (stem) stem, word, weight * score AS score
        FROM (SELECT *, max(score) OVER (PARTITION BY word) AS most FROM likeness) AS likeness
        WHERE score = 1 OR (score >= :alike AND most < 1)
        ORDER BY stem, likeness.score DESC, word
    ), met AS (
        SELECT slug, parent_slug, term, array_agg(meeting.word ORDER BY meeting.word) AS words,
            array_agg(meeting.score ORDER BY meeting.word) AS scores, sum(meeting.score) AS score
        FROM (SELECT DISTINCT slug, parent_slug, term, stem FROM part) AS part LEFT JOIN meeting USING (stem)
        GROUP BY slug, parent_slug, term
        HAVING bool_and(meeting.word IS NOT NULL)
    ), counted AS (
        SELECT slug, word, max(each) AS score
        FROM met, unnest(words, scores) AS _ (word, each)
        GROUP BY slug, parent_slug, word
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY slug ORDER BY score DESC, term) AS rank FROM met
    )
    SELECT slug, sum(counted.score) AS score, reasons
    FROM counted JOIN (
        SELECT slug, array_agg(format('"%s" ~ term "%s"', array_to_string(words, ' '), term) ORDER BY rank) AS reasons
        FROM ranked WHERE rank <= :reasons GROUP BY slug
    ) AS reason USING (slug)
    GROUP BY slug, reasons
    ORDER BY 2 DESC, 1
    LIMIT :most
""")


class TermClassifier:
    """Goes by the terms of the active categories, in one statement."""

    async def classify(self, conn: AsyncConnection, text: str) -> list[Suggestion]:
        limits = {"prepositions": PREPOSITIONS, "articles": ARTICLES, "aside": ASIDE, "least": LEAST, "compound": COMPOUND, "alike": ALIKE, "reasons": REASONS, "most": MOST}
        rows = await conn.execute(_FIND, {"text": text[:READ]} | limits)
        return [Suggestion(row.slug, row.score / (row.score + HALF), tuple(row.reasons)) for row in rows]


def is_sure(suggestions: Sequence[Suggestion]) -> bool:
    """Whether the best suggestion can be taken without asking."""
    if not suggestions or suggestions[0].score < SURE:
        return False
    return len(suggestions) == 1 or suggestions[0].score - suggestions[1].score >= CLEAR


_EMERGENCY = re.compile(
    r"\b(brandt? het|brand(?!bluss)|rook uit|gaslucht|ontplof\w*|explosie|bewusteloos\w*|instort\w*|ingestort\w*|"
    r"steekpartij|schietpartij|geschoten|gestoken|gewonden?|stroomdrad?\w*)\b"
)
_URGENT = re.compile(r"\b(gevaar\w*|levensgevaar\w*|asbest|mes|messen|wapens?|kinderen vallen|omgevallen|losgeraakt)\b")
_NOT = re.compile(r"\b(geen|niet|niemand|zonder|geen enkel)\s+(\w+\s+){0,2}$")


def urgency_of(text: str, category: Category) -> Urgency:
    """How urgent it is by its words, and never less than its category."""
    for urgency, words in ((Urgency.EMERGENCY, _EMERGENCY), (Urgency.URGENT, _URGENT)):
        said = any(not _NOT.search(text[: found.start()].lower()) for found in words.finditer(text.lower()))
        if said or category.urgency is urgency:
            return urgency
    return category.urgency
