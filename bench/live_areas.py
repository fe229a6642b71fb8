"""Many who watch an area of their own, all different and half of them polygons: ten of the areas hold the event."""

import math
import random
from dataclasses import replace

from bench.environment import World, served
from bench.fanout import GENERATOR, POINT
from bench.figures import Effort, Figure
from bench.live import compare
from bench.peers import parse
from bench.rivals import ours
from geo.geometry import Box

AREAS = 4_000
HOLDING = 10
TOWN = Box(4.25, 52.06, 4.34, 52.095)  # all of it in the municipality: nobody may watch where none is
SIZE = (0.001, 0.006)  # half the width of an area, in degrees of longitude; the half height is half of it
CORNERS = 12


def box(number: int) -> Box:
    """The n-th box: the first ones hold the point of the event, and no other comes near it."""
    if number < HOLDING:
        return _around(*POINT, SIZE[0] * (1 + number / HOLDING))
    drawn = random.Random(number)
    while True:
        lon, lat = drawn.uniform(TOWN.west, TOWN.east), drawn.uniform(TOWN.south, TOWN.north)
        half = drawn.uniform(*SIZE)
        if abs(lon - POINT[0]) > 1.5 * half or abs(lat - POINT[1]) > half:
            return _around(lon, lat, half)


def _around(lon: float, lat: float, half: float) -> Box:
    return Box(lon - half, lat - half / 2, lon + half, lat + half / 2)


def area(number: int) -> object:
    """As our server is asked for it: every second one as a polygon, within the box or a little beyond it."""
    here = box(number)
    west, south, east, north = here.west, here.south, here.east, here.north
    if number % 2 == 0:
        return {"bbox": {"west": west, "south": south, "east": east, "north": north}}
    lon, lat = (west + east) / 2, (south + north) / 2
    ring = [
        [lon + (east - west) / 2 * math.cos(turn), lat + (north - south) / 2 * math.sin(turn)]
        for turn in (2 * math.pi * corner / CORNERS for corner in range(CORNERS))
    ]
    return {"polygon": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}


async def measure(world: World, effort: Effort) -> list[Figure]:
    areas = min(AREAS, max(effort.sockets))
    other = replace(world, database_url=world.copy())
    with (
        parse(world, effort.peers, box, POINT) as peers,
        served(world) as server,
        served(other, fan_out="false") as plain,
    ):
        fast = ours("BART", world, server, area, POINT)
        generator = ours(GENERATOR, other, plain, area, POINT)
        return await compare("live_areas", [fast, generator, *peers], areas, HOLDING, effort)
