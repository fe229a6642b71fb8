"""How long it takes to find which of very many areas hold a place, beside shapely's STRtree of the same areas.

Half of the areas are polygons with 5 to 40 corners, the others boxes and circles. The more there are, the more land
they lie on, so that ten hold each place that is asked. The tree has circles as polygons of 64 corners.

All is timed by the processor time of the thread: garbage collection counts, and what else runs on the machine does not.
What stood before is frozen (`gc.freeze`), as in the server, and nothing is collected while an index is filled.
"""

import gc
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from resource import getpagesize
from time import thread_time_ns
from typing import Any

import shapely

from bench.figures import Effort, Figure, percentile
from geo.area_index import AreaIndex
from geo.geometry import Box, Circle, Polygon, Shape
from geo.models import Point

COUNTS = (10_000, 100_000, 1_000_000)
HELD = 10
PLACES = 2_000
CHANGES = 10_000
PEER = "STRtree"
_SPACING = 0.003  # degrees: one area on each square of it, so that about ten hold a place

Run = list[float]  # the microseconds of each lookup


def measure(effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    lookups: list[list[Run]] = []
    for count in COUNTS:
        found, runs = _measured(count, effort.runs)
        figures += found
        lookups.append(runs)
        gc.unfreeze()
    few, *_, many = lookups
    params = {"areas": COUNTS[-1], "held": HELD}
    return figures + _percentiles("areas.holding", params, many, f"{COUNTS[0]} areas", few)


def _measured(count: int, runs: int) -> tuple[list[Figure], list[Run]]:
    """The figures of so many areas, and the lookups of each run."""
    rng = random.Random(count)
    side = _SPACING * math.sqrt(count)
    areas = [_area(rng, side) for _ in range(count)]
    gc.disable()
    before = _resident()
    index = AreaIndex[int]()
    added = _timed(partial(index.add, area, at) for at, area in enumerate(areas))
    memory = (_resident() - before) / count
    first, places = _asked(index, rng, side)
    points = shapely.points(places).tolist()
    outlines = [_outline(area) for area in areas]
    gc.enable()
    gc.freeze()
    ours, theirs, steps, trees = [], [], [], []
    for _ in range(runs):
        start = thread_time_ns()
        tree = shapely.STRtree(outlines)
        tree.query(outlines[0])  # it is built when it is first asked
        trees.append((thread_time_ns() - start) / 1e6)
        ours.append(_timed(partial(index.holding, (), place) for place in places))
        theirs.append(_timed(partial(tree.query, point, predicate="intersects") for point in points))
        fresh = [_area(rng, side) for _ in range(CHANGES)]
        steps.append(_timed(_changing(index, areas, fresh, places, rng)))
    params = {"areas": count, "held": HELD}
    return [
        *_percentiles("areas.holding", params, ours, PEER, theirs),
        *_percentiles("areas.first", params, [first]),
        Figure.of("areas.add", "µs", params, [sum(added) / count]),
        Figure.of("areas.longest_add", "ms", params, [max(added) / 1e3]),
        Figure.of("areas.change", "µs", params, [sum(run[::2]) / CHANGES / 2 for run in steps]),
        Figure.of("areas.longest_pause", "ms", params, [max(run) / 1e3 for run in steps], f"{PEER} built", trees),
        Figure.of("areas.memory", "KiB", params, [memory / 1024]),
    ], ours


def _percentiles(
    name: str, params: dict[str, int], ours: list[Run], peer: str | None = None, theirs: Sequence[Run] = ()
) -> list[Figure]:
    return [
        Figure.of(
            f"{name}.p{percent}",
            "µs",
            params,
            [percentile(run, percent) for run in ours],
            peer,
            [percentile(run, percent) for run in theirs],
        )
        for percent in (50, 99)
    ]


def _timed(steps: Iterable[Callable[[], object]]) -> Run:
    """The microseconds that each step took."""
    took = []
    for step in steps:
        start = thread_time_ns()
        step()
        took.append((thread_time_ns() - start) / 1e3)
    return took


def _changing(
    index: AreaIndex[int], areas: list[Shape], fresh: Sequence[Shape], places: Sequence[Point], rng: random.Random
) -> Iterator[Callable[[], object]]:
    """Put the fresh areas in the place of others, and look up after each change."""
    for area in fresh:
        at = rng.randrange(len(areas))
        yield partial(index.remove, areas[at], at)
        yield partial(index.holding, (), rng.choice(places))
        areas[at] = area
        yield partial(index.add, area, at)
        yield partial(index.holding, (), rng.choice(places))


def _asked(index: AreaIndex[int], rng: random.Random, side: float) -> tuple[Run, list[Point]]:
    """Places, each in as many areas as it should be, with the microseconds of the first lookup of any at all."""
    first: Run = []
    places: list[Point] = []
    while len(places) < PLACES:
        place = _place(rng, side)
        start = thread_time_ns()
        held = index.holding((), place)
        first.append((thread_time_ns() - start) / 1e3)
        if len(held) == HELD:
            places.append(place)
    return first, places


def _place(rng: random.Random, side: float) -> Point:
    return Point(4.0 + rng.uniform(0, side), 51.0 + rng.uniform(0, side))


def _area(rng: random.Random, side: float) -> Shape:
    """A polygon, or as often a box or a circle, of 50 to 1,500 metres around a place."""
    lon, lat = centre = _place(rng, side)
    metres = 50 * 30 ** rng.random()
    width, height = metres / 69_000, metres / 111_300
    match rng.randrange(4):
        case 0:
            return Box(lon - width * rng.random(), lat - height * rng.random(), lon + width, lat + height)
        case 1:
            return Circle(centre, metres)
    angles = sorted(rng.uniform(0, math.tau) for _ in range(rng.randint(5, 40)))
    reaches = [rng.uniform(0.5, 1) for _ in angles]
    ring = [
        Point(lon + width * reach * math.cos(angle), lat + height * reach * math.sin(angle))
        for angle, reach in zip(angles, reaches, strict=True)
    ]
    polygon = Polygon(((*ring, ring[0]),))
    _ = polygon.shape  # made when the polygon is checked, before it comes to the index
    return polygon


def _outline(area: Shape) -> Any:
    match area:
        case Box(west, south, east, north):
            return shapely.box(west, south, east, north)
        case Circle():
            return area.outline
        case Polygon():
            return area.shape


def _resident() -> int:
    """The bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
