"""The rules of who is told what, once more and in other words than the server's: what a client wrote down is held to
these. See docs/maps.md and ARCHITECTURE.md."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tests.chaos.people import Person

Facts = Mapping[str, Any]  # as stored with an event: category, status, urgency, visibility, location, codes
CLEARANCE = {
    "OFFICER": {"PUBLIC", "INVOLVED", "AUTHORITIES"},
    "POLICE": {"PUBLIC", "INVOLVED", "AUTHORITIES", "POLICE"},
}


def may_see(person: Person, facts: Facts, involved: bool) -> bool:
    """Whether a report in this state is for this person's eyes."""
    level = facts["visibility"]
    if level == "PUBLIC" or person.role == "ADMIN":
        return True
    in_charge = any(code in person.areas for code in facts["codes"])
    return (in_charge and level in CLEARANCE.get(person.role, ())) or (involved and level == "INVOLVED")


def inside(area: Mapping[str, Any] | None, facts: Facts) -> bool:
    """Whether a report in this state lies in an area as it is asked for; no area is everywhere."""
    lon, lat = facts["location"]
    match area:
        case None:
            return True
        case {"code": code}:
            return code in facts["codes"]
        case {"bbox": box}:
            return bool(box["west"] <= lon <= box["east"] and box["south"] <= lat <= box["north"])
        case {"polygon": {"coordinates": [ring]}}:
            return in_ring(lon, lat, ring)
    raise ValueError(f"No rule for {area}.")


def in_ring(lon: float, lat: float, ring: Sequence[Sequence[float]]) -> bool:
    """Whether a ray to the east crosses the ring an odd number of times."""
    crossings = 0
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) / (y2 - y1) * (x2 - x1):
            crossings += 1
    return crossings % 2 == 1


def wanted(filter: Mapping[str, Sequence[str]] | None, facts: Facts) -> bool:
    """Whether a filter lets a report in this state through. Merged reports only where they are asked for."""
    asked = filter or {}
    fields = {"statuses": "status", "categories": "category", "urgencies": "urgency"}
    if unknown := asked.keys() - fields.keys():
        raise ValueError(f"No rule for {unknown}.")
    merged = facts["status"] == "MERGED" and "statuses" not in asked
    return not merged and all(facts[fields[name]] in values for name, values in asked.items())
