"""What a text is about: the category, and how urgent it is.

`Classifier` is the interface; `TermClassifier` goes by the Dutch terms of the categories, with the Dutch text search of
PostgreSQL, which knows `lantaarns` for `lantaarn`, and with trigrams, which find `glas` in `glasscherven`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Category, Urgency

# From which score the best may be taken, and by how much it must lead. Chosen on the phrases of tests/geo/phrases.py.
SURE, CLEAR = 0.5, 0.12
MOST = 5
READ = 600  # characters: what matters stands at the beginning


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category that a text may be about: its slug, a score in 0..1, and which words of the text met which terms."""

    category: str
    score: float
    reasons: tuple[str, ...]


class Classifier(Protocol):
    async def classify(self, conn: AsyncConnection, text: str) -> list[Suggestion]:
        """The categories that a text may be about, the best first; empty where nothing fits."""


_WEIGHTS = {
    "aside": 0.5,  # a word that tells where: `bij de glasbak`
    "compound": 0.9,  # a term at the end of a word: `tegel` in `stoeptegel`
    "alike": 0.72,  # the least word similarity
    "letters": 4,  # of the shortest word that may be like another
    "half": 0.7,  # the score of evidence as strong as this is a half
}
_ASIDE = {
    "articles": ["de", "het", "t", "een", "dat", "deze", "die", "dit", "mijn", "ons", "onze"],
    "prepositions": [
        *("aan", "achter", "bij", "boven", "in", "langs", "naast", "om", "onder", "op"),
        *("richting", "rond", "tegen", "tegenover", "tussen", "vanaf", "voor"),
    ],
}
# The stem of a word that says nothing, such as `de`, is empty. A term is met when each of its words is: by its stem, at
# the end of a compound, or by trigrams. Short stems mislead (`gaat` has that of `gat`): there the word must be the same
# or begin with it. A word that meets a term by its stem meets no other by being like it. A word of a term counts for
# less the more categories have it, and each word of the text counts once for a category.
_FIND = sql("""
    WITH spoken AS (
        SELECT word, (ts_lexize('dutch_stem', word))[1] AS stem,
            lag(word) OVER (ORDER BY place) AS before, lag(word, 2) OVER (ORDER BY place) AS earlier
        FROM regexp_split_to_table(lower(:text), '[^[:alpha:]]+') WITH ORDINALITY AS _ (word, place)
    ), word AS MATERIALIZED (
        SELECT word, stem, CASE
            WHEN bool_and(before = ANY(:prepositions) OR (before = ANY(:articles) AND earlier = ANY(:prepositions)))
            THEN :aside ELSE 1
        END AS weight
        FROM spoken WHERE stem <> '' AND length(word) > 1 GROUP BY word, stem
    ), part AS MATERIALIZED (
        SELECT DISTINCT ON (slug, term, stem) slug, term, word, stem
        FROM category, unnest(terms || name_nl) AS term, regexp_split_to_table(lower(term), '[^[:alpha:]]+') AS word,
            LATERAL (SELECT (ts_lexize('dutch_stem', word))[1] AS stem) AS _
        WHERE active AND stem <> ''
        ORDER BY slug, term, stem, word
    ), known AS MATERIALIZED (
        SELECT stem, min(word) AS word, array_agg(word) AS words, 1 / sqrt(count(DISTINCT slug)) AS weight
        FROM part GROUP BY stem
    ), likeness AS (
        SELECT known.stem, word.word, known.weight * word.weight AS weight, CASE
            WHEN word.stem = known.stem AND length(known.stem) >= :letters THEN 1
            WHEN word.stem = known.stem AND (word.word LIKE known.stem || '%' OR word.word = ANY(words)) THEN 1
            WHEN length(known.stem) < :letters THEN 0
            WHEN word.stem LIKE '%' || known.stem THEN :compound
            ELSE word_similarity(known.word, word.word)
        END AS likeness
        FROM known, word
    ), meeting AS (
        SELECT DISTINCT ON (stem) stem, word, weight * likeness AS score
        FROM (SELECT *, max(likeness) OVER (PARTITION BY word) AS most FROM likeness) AS _
        WHERE likeness = 1 OR (likeness >= :alike AND most < 1)
        ORDER BY stem, likeness DESC, weight DESC, word
    ), met AS (
        SELECT slug, term, array_agg(word ORDER BY word) AS words, array_agg(score ORDER BY word) AS scores
        FROM (SELECT slug, term, meeting.word, score FROM part LEFT JOIN meeting USING (stem)) AS _
        GROUP BY slug, term HAVING bool_and(word IS NOT NULL)
    ), reason AS (
        SELECT slug, array_agg(format('"%s" ~ term "%s"', array_to_string(words, ' '), term) ORDER BY scores DESC)
            AS reasons
        FROM (SELECT DISTINCT ON (slug, words) * FROM met ORDER BY slug, words, scores DESC, term) AS _
        GROUP BY slug
    ), counted AS (
        SELECT slug, word, max(score) AS score FROM met, unnest(words, scores) AS _ (word, score) GROUP BY slug, word
    )
    SELECT slug, sum(score) / (sum(score) + :half) AS score, reasons
    FROM counted JOIN reason USING (slug)
    GROUP BY slug, reasons
    ORDER BY 2 DESC, 1
    LIMIT :most
""")


class TermClassifier:
    """Goes by the terms of the active categories, in one statement."""

    async def classify(self, conn: AsyncConnection, text: str) -> list[Suggestion]:
        rows = await conn.execute(_FIND, {"text": text[:READ], "most": MOST} | _WEIGHTS | _ASIDE)
        return [Suggestion(row.slug, row.score, tuple(row.reasons)) for row in rows]


def is_sure(suggestions: Sequence[Suggestion]) -> bool:
    """Whether the best suggestion can be taken without asking."""
    if not suggestions or suggestions[0].score < SURE:
        return False
    return len(suggestions) == 1 or suggestions[0].score - suggestions[1].score >= CLEAR


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_ANIMALS = "vogel|meeuw|duif|zwaan|eend|egel|hond|kat|poes|vos|dier"
_DANGER = {
    Urgency.EMERGENCY: _words(
        r"(?:auto|berm|bos|container|keuken|schuur|scooter|woning)?brand|vlammen|in de (?:fik|hens)(?! gestoken)",
        r"gas(?:lucht|lek|geur)|ruik\w*[^.!?]{1,20}\bgas|gas\w*[^.!?]{1,15}\b(?:geroken|geraakt)",
        r"ontplof\w*|explosie|instort\w*|stort in",
        rf"gewond(?:e|en)?(?! (?:{_ANIMALS}))|bewusteloos|reanim\w+|te water|in het water gevallen|verdrink\w*",
        r"mes|messen|\w*wapens?|pistool|neergestoken|steekpartij|geschoten|schietpartij|vechtpartij|overvallen",
        r"stroomdra\w+|stroomkabels?|onder stroom",
        r"(?:open|blote|losse|loshangende) (?:draad|draden|kabels?|bedrading)|draden (?:\w+ ){0,2}(?:bloot|open|los)",
    ),
    Urgency.URGENT: _words(
        r"(?:levens)?gevaar(?:lijke?)?|asbest|ingestort|omgevallen|loshangende?|gif|vergiftigd",
        r"dreigt (?:\w+ ){0,3}(?:te )?vallen|kan (?:elk moment|zo) \w+|bedreig\w*|mishandel\w*",
    ),
}
# `geen gevaar`, `niemand is gewond`, and what is over: `na de brand`.
_DENIED = re.compile(r"\b(?:geen|niet(?! alleen)|niemand|nooit|zonder|na)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
_REACH = 40  # characters before a word within which it can be denied


def urgency_of(text: str, category: Category) -> Urgency:
    """How urgent it is by its words, and never less than its category."""
    said = (
        urgency
        for urgency, words in _DANGER.items()
        if any(not _DENIED.search(text[max(0, word.start() - _REACH) : word.start()]) for word in words.finditer(text))
    )
    return max((category.urgency, *said), key=[*Urgency].index)
