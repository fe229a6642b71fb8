"""Finding a place by its name: what a geocoder does. `api.geocoder` has one that asks a service outside."""

from dataclasses import dataclass
from typing import Protocol

from geo.models import Point


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place that may be meant, with the name by which the geocoder knows it. Of two the higher score is likelier."""

    name: str
    point: Point
    score: float


class Geocoder(Protocol):
    async def find(self, text: str, municipality: str | None) -> list[FoundPlace]:
        """Places by words such as `Hobbemaplein, Den Haag`, within a municipality by its name where one is given, the
        likeliest first; empty where there is none, or nobody to ask."""
