"""Dutch words: what a text is about, and how alike two texts are. Pure.

People name the same thing in different words: geo/dutch_concepts.toml has groups of words that mean about the same.
And Dutch writes compounds as one word, so that `glas` must meet `glasscherven` and `glasbak`: words are taken apart at
their ends, and compared by their character trigrams. Nothing is kept between calls: it is what people wrote.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from Stemmer import Stemmer

ALIKE = 0.6  # of the trigrams of the shorter word are in the longer one; fewer is chance
PART = 4  # letters, of the shortest part of a compound
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


Concepts = frozenset[str]


def _concepts() -> dict[str, dict[tuple[str, ...], Concepts]]:
    """By the first stem of a term and those behind it: its concepts, each named by its kind and its first word."""
    found: defaultdict[str, defaultdict[tuple[str, ...], set[str]]] = defaultdict(lambda: defaultdict(set))
    kinds = tomllib.loads(Path(__file__).with_name("dutch_concepts.toml").read_text(encoding="utf-8"))
    for kind, groups in kinds.items():
        for terms in map(str.split, groups):
            for term in terms:
                first, *others = _STEMMER.stemWords(term.split("_"))
                found[first][tuple(others)].add(f"{kind}:{terms[0]}")
    return {first: {others: frozenset(named) for others, named in rest.items()} for first, rest in found.items()}


_CONCEPTS = _concepts()


@dataclass(frozen=True, slots=True)
class Words:
    """What a text says: its telling words by their stems, as they were written, and its concepts by their kinds."""

    stems: dict[str, str]
    trigrams: dict[str, frozenset[str]]
    things: Concepts
    troubles: Concepts
    marks: Concepts
    again: bool

    def __bool__(self) -> bool:
        return bool(self.stems)


def words(text: str) -> Words:
    found = _WORD.findall(text.lower())
    stems = _STEMMER.stemWords(found)
    named = frozenset().union(*_named(stems))
    things, troubles, marks, again = (
        frozenset(concept for concept in named if concept.startswith(kind))
        for kind in ("things:", "troubles:", "marks:", "again:")
    )
    telling = {stem: word for stem, word in zip(stems, found, strict=True) if len(word) > 1 and word not in _STOP}
    trigrams = {stem: frozenset(stem[place : place + 3] for place in range(len(stem) - 2)) for stem in telling}
    return Words(telling, trigrams, things, troubles, marks, bool(again))


def _named(stems: Sequence[str]) -> Iterator[Concepts]:
    for place, stem in enumerate(stems):
        if terms := _CONCEPTS.get(stem):
            after = stems[place + 1 : place + SPAN]
            for others, concepts in terms.items():
                if _follow(others, after):
                    yield concepts
        else:
            ends = (stem[cut:] for cut in range(PART - 1, len(stem) - PART + 1))
            beginnings = (stem[:cut] for cut in range(len(stem) - PART + 1, PART - 1, -1))
            for parts in (ends, beginnings):  # the longest of each
                yield next((known for part in parts if (known := _CONCEPTS.get(part, {}).get(()))), frozenset())


def _follow(others: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the others are all there, in their order."""
    left = iter(after)
    return all(other in left for other in others)


class Overlap(NamedTuple):
    """Of what two texts name: the part that both name, in 0..1; and whether both name some, and none is the same."""

    shared: float
    differ: bool

    @classmethod
    def of(cls, ours: Concepts, theirs: Concepts) -> Self:
        common = ours & theirs
        return cls(len(common) / (len(ours | theirs) or 1), bool(ours and theirs and not common))


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts share. `words` are those of theirs that met one of ours; `again` is whether ours tells of another
    time."""

    words: tuple[str, ...]
    things: Overlap
    troubles: Overlap
    marks: Overlap
    again: bool


def compare(ours: Words, theirs: Words) -> Likeness:
    return Likeness(
        words=tuple(word for stem, word in theirs.stems.items() if _met(stem, theirs.trigrams[stem], ours)),
        things=Overlap.of(ours.things, theirs.things),
        troubles=Overlap.of(ours.troubles, theirs.troubles),
        marks=Overlap.of(ours.marks, theirs.marks),
        again=ours.again,
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
