"""Dutch words: what a text is about, and how alike two texts are. Pure.

People name the same thing in different words: geo/dutch_things.toml and geo/dutch_concepts.toml have groups of words
that mean about the same. What is named to tell where (`bij de glasbak`) is not what the text is about.
And Dutch writes compounds as one word, so that `glas` must meet `glasscherven` and `glasbak`: words are taken apart at
their ends, and compared by their character trigrams. Nothing is kept between calls: it is what people wrote.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from Stemmer import Stemmer

ALIKE = 0.6  # of the trigrams of the shorter word are in the longer one; fewer is chance
PART = 4  # letters, of the shortest part of a compound
READ = 80  # words of a text: what matters stands at its beginning, and long ones must not hold others up
SPAN = 4  # words within which a phrase lies

_WORD = re.compile(r"[^\W\d_]+")
_STEMMER = Stemmer("dutch", 0)  # a cache would keep people's words
# Words that any report may have: that two share them tells nothing.
_USUAL = """
    aan al alle alles als altijd ander andere ben bij bijna binnen boven buiten daar daarom dan dat de deze dichtbij die
    dit door doen dus echt een eens eigenlijk elk elke en enkele er erg ergens even flink geen gelijk geweest gewoon
    goed haar had heb hebben heeft heel hele hem het hier hij hoe hun iemand iets ik in is ja je jij jullie kan kijken
    komen komt kon kunnen kunt langs later lekker maar mag me meer mee met mij mijn misschien moet moeten mooi na naar
    naast nee net niet niets nog nou nu of om omdat onder ons onze ook op over per precies rond s samen sinds snel soms
    staan staat steeds stond t te tegen tegenover ter tijdens toch toen tot tussen u uit uw vaak van vanaf vandaag
    vanmorgen vannacht vanochtend vanavond vanmiddag veel verder via volgens voor vooral waar waarschijnlijk want waren
    was wat we weer wel werd wie wij willen wil word worden wordt zal ze zeer zelf zich zien zij zijn zit zo zou
    gisteren gister gisteravond eergisteren ochtend avond nacht middag dag dagen week weken maand maanden jaar uur tijd
    ligt liggen lag hangt hangen gezien zag gemeld melden melding graag aub alsjeblieft alstublieft bedankt gaat gaan
    ging laten laat blijft blijven helemaal paar beetje stuk stukken gevaarlijk gevaar kinderen mensen iedereen buren
"""
_STOP = frozenset(_USUAL.split())
_BEFORE_A_PLACE = """
    aan achter bij boven in langs naast om onder op richting rond rondom tegen tegenover tussen vanaf voor voorbij
"""
_PREPOSITIONS = frozenset(_BEFORE_A_PLACE.split())
_DETERMINERS = "de het t een dat deze die dit mijn mn m n ons onze zijn haar hun uw je"
_ARTICLES = frozenset(_DETERMINERS.split())


Concepts = frozenset[str]
Terms = Mapping[str, Mapping[tuple[str, ...], Concepts]]


def _terms() -> tuple[Terms, Terms]:
    """Each term by its first word and the stems of those behind it, and by the stem of its first word and those: its
    concepts, each named by its kind and its first term."""
    listed: defaultdict[str, defaultdict[tuple[str, ...], set[str]]] = defaultdict(lambda: defaultdict(set))
    stemmed: defaultdict[str, defaultdict[tuple[str, ...], set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in "dutch_things.toml", "dutch_concepts.toml":
        kinds = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
        for kind, groups in kinds.items():
            for terms in map(str.split, groups):
                for term in terms:
                    first, *others = term.split("_")
                    rest, concept = tuple(_STEMMER.stemWords(others)), f"{kind}:{terms[0]}"
                    listed[first][rest].add(concept)
                    stemmed[_STEMMER.stemWord(first)][rest].add(concept)
    return _frozen(listed), _frozen(stemmed)


def _frozen(terms: Mapping[str, Mapping[tuple[str, ...], set[str]]]) -> Terms:
    return {first: {rest: frozenset(named) for rest, named in terms[first].items()} for first in terms}


_LISTED, _STEMMED = _terms()


@dataclass(frozen=True, slots=True)
class Words:
    """What a text says: its telling words by their stems, as they were written, and its concepts by their kinds.
    `marks` are those that tell where it is or what it looks like, also things that are named for that."""

    stems: dict[str, str]
    trigrams: dict[str, frozenset[str]]
    things: Concepts
    troubles: Concepts
    marks: Concepts

    def __bool__(self) -> bool:
        return bool(self.stems)


def words(text: str) -> Words:
    found = _WORD.findall(text.lower())[:READ]
    stems = _STEMMER.stemWords(found)
    named: defaultdict[str, set[str]] = defaultdict(set)
    where: set[str] = set()
    for place, concepts in _named(found, stems):
        for concept in concepts:
            kind = concept.partition(":")[0]
            into = where if kind == "things" and _tells_where(found, place) else named[kind]
            into.add(concept)
    telling = {stem: word for stem, word in zip(stems, found, strict=True) if len(word) > 1 and word not in _STOP}
    return Words(
        stems=telling,
        trigrams={stem: frozenset(stem[place : place + 3] for place in range(len(stem) - 2)) for stem in telling},
        things=frozenset(named["things"] or where),
        troubles=frozenset(named["troubles"]),
        marks=frozenset(named["marks"] | where),
    )


def _tells_where(found: Sequence[str], place: int) -> bool:
    """`bij glasbakken`, `bij de glasbak`, `bij de oude glasbak`."""
    third, second, first = ["", "", "", *found[max(place - 3, 0) : place]][-3:]
    return (
        first in _PREPOSITIONS
        or (first in _ARTICLES and second in _PREPOSITIONS)
        or (second in _ARTICLES and third in _PREPOSITIONS)
    )


def _named(found: Sequence[str], stems: Sequence[str]) -> Iterator[tuple[int, Concepts]]:
    """Where something is named. A word counts as it is listed; else, if it is a telling one, by its stem; else by the
    longest part at either end of it."""
    for place, (word, stem) in enumerate(zip(found, stems, strict=True)):
        if terms := _LISTED.get(word) or (_STEMMED.get(stem) if word not in _STOP else None):
            after = stems[place + 1 : place + SPAN]
            for others, concepts in terms.items():
                if _follow(others, after):
                    yield place, concepts
        elif word not in _STOP:
            ends = (stem[cut:] for cut in range(PART - 1, len(stem) - PART + 1))
            beginnings = (stem[:cut] for cut in range(len(stem) - PART + 1, PART - 1, -1))
            for parts in (ends, beginnings):
                yield place, next((known for part in parts if (known := _STEMMED.get(part, {}).get(()))), frozenset())


def _follow(others: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the others are all there, in their order."""
    left = iter(after)
    return all(other in left for other in others)


class Overlap(NamedTuple):
    """Of what two texts name: the part of the shorter list that both name, in 0..1, for some say more than others; and
    whether both name some, and none is the same."""

    shared: float
    differ: bool

    @classmethod
    def of(cls, ours: Concepts, theirs: Concepts) -> Self:
        common = ours & theirs
        return cls(len(common) / (min(len(ours), len(theirs)) or 1), bool(ours and theirs and not common))


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts share. `words` are those of theirs that met one of ours."""

    words: tuple[str, ...]
    things: Overlap
    troubles: Overlap
    marks: Overlap


def compare(ours: Words, theirs: Words) -> Likeness:
    return Likeness(
        words=tuple(word for stem, word in theirs.stems.items() if _met(stem, theirs.trigrams[stem], ours)),
        things=Overlap.of(ours.things, theirs.things),
        troubles=Overlap.of(ours.troubles, theirs.troubles),
        marks=Overlap.of(ours.marks, theirs.marks),
    )


def _met(stem: str, trigrams: frozenset[str], ours: Words) -> bool:
    """Whether one of our words is the same, a part of it, a compound with it, or nearly the same."""
    size = len(trigrams)
    return stem in ours.stems or (
        size > 1
        and any(
            len(other) > 1 and len(trigrams & other) >= ALIKE * min(size, len(other))
            for other in ours.trigrams.values()
        )
    )
