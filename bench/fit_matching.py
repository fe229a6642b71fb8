"""`python -m bench.fit_matching FILE`: fit the weights of `geo.matching` and write them.

FILE has the reports of a city that marks duplicates (`bench.duplicates`). Time and place are fitted on the even
community areas of it, and the words on our own pairs of Dutch texts; `bench.matching` measures on other ones.

A report is as likely a duplicate as the likeliest of its candidates is the same, so nobody need know which one that is.
Every feature of `geo.matching` points the same way, the more the likelier, so no weight but the constant one is let
below zero: that what is nearer, newer or more alike never scores lower is built in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import typer
from numpy.typing import NDArray

from bench.duplicates import candidates, compared, earlier, read
from bench.matching import FITTED, Pair, pairs
from geo import matching_weights

# Keeps weights small. The labels of the city follow the address, more closely than anybody's phone knows its place: the
# less the weights do so, the better for residents.
RIDGE = 1.0
STEPS = 4_000
RATE = 0.02
UNKNOWN = 0.3  # of the words
COPIES = 6
STRANGERS = 0.5  # for each pair

Vectors = NDArray[np.float64]


def fit(groups: Sequence[Vectors], labels: Sequence[bool]) -> Vectors:
    """The weights under which the labels are likeliest: of each group, whether any of its members is the same.

    A group has a row for each member. Gradient ascent with Adam, https://arxiv.org/abs/1412.6980. The first feature is
    the constant one.
    """
    features = np.concatenate(groups)
    sizes = [len(members) for members in groups]
    group, starts = np.repeat(np.arange(len(groups)), sizes), np.cumsum([0, *sizes[:-1]])
    same = np.array(labels)
    weights = np.zeros(features.shape[1])
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        logits = features @ weights
        likeliest = logits == np.maximum.reduceat(logits, starts)[group]
        share = likeliest / np.add.reduceat(likeliest, starts)[group]
        gradient = features.T @ (share * (same[group] - 1 / (1 + np.exp(-logits)))) / len(groups)
        gradient[1:] -= RIDGE / len(groups) * weights[1:]
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weights += RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-9)
        weights[1:] = np.maximum(weights[1:], 0)
    return weights


def fit_place(file: Path) -> dict[str, float]:
    """The weights of time and place, by the even community areas."""
    groups, labels = [], []
    for sample, near in earlier(read(file)):
        if sample.area % 2 == 0 and (known := candidates(sample, near)):
            groups.append([compared(sample, other, metres).place for other, metres in known])
            labels.append(sample.duplicate)
    return _fit(groups, labels)


def fit_words() -> dict[str, float]:
    """The weights where there are words, by our own pairs.

    Of each several copies are learned of from which words are left out: residents use words that no list of ours has,
    so that less is to be made of a word that is not met than where all of them are known.
    """
    random = Random(1)

    def heard(text: str) -> str:
        return " ".join(word for word in text.split() if random.random() >= UNKNOWN)

    copies = [(pair.compared(heard), pair.same) for pair in _with_strangers(random) for _ in range(COPIES)]
    told = [(compared.words, same) for compared, same in copies if compared.likeness]
    return _fit([[features] for features, _ in told], [same for _, same in told])


def _with_strangers(random: Random) -> Iterator[Pair]:
    """Our pairs, and some drafts beside the report of another pair.

    All pairs of ours that are not the same are near misses; but most of what is near a draft has nothing to do with it.
    """
    for file in FITTED:
        known = pairs(file)
        yield from known
        for pair in known:
            other = random.choice(known)
            if other is not pair and random.random() < STRANGERS:
                yield replace(pair, report=other.report, report_category=other.report_category, same=False)


def _fit(groups: Sequence[Sequence[Mapping[str, float]]], labels: Sequence[bool]) -> dict[str, float]:
    weights = fit([np.array([[*each.values()] for each in group], float) for group in groups], labels)
    return {name: round(float(weight), 3) for name, weight in zip(groups[0][0], weights, strict=True)}


def main(file: Path) -> None:
    """Fit and write the weights of geo/matching.py."""
    place, text = matching_weights.PLACE, matching_weights.WORDS
    place.clear()
    place.update(fit_place(file))  # first: the features of the words build on these
    text.clear()
    text.update(fit_words())
    told = (
        '"""The weights of `geo.matching`, fitted and written by `python -m bench.fit_matching`. Not to be edited."""'
    )
    tables = "".join(
        f"\n{name} = {{\n" + "".join(f'    "{feature}": {weight},\n' for feature, weight in weights.items()) + "}\n"
        for name, weights in (("PLACE", place), ("WORDS", text))
    )
    Path(matching_weights.__file__).write_text(f"{told}\n{tables}")


if __name__ == "__main__":
    typer.run(main)
