"""A small world for tests: a square city of four districts, a few categories, and a caller of each kind.

The city lies around lon 4.30, lat 52.07. Its districts are the four quarters of a square of 0.04 by 0.02 degrees; the
south-west one, WK051829, has two neighbourhoods, west and east, and lies in a borough.
"""

from datetime import UTC, datetime
from uuid import uuid4

from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, box
from sqlalchemy import insert

from geo import areas, events, involvement, reports
from geo.db import Database
from geo.models import ActorKind, EventKind, Involvement, Point, Report, Role, Urgency, Visibility
from geo.tables import area, category
from geo.viewer import Viewer

CITY = "GM0518"
INSIDE = Point(4.295, 52.065)  # in WK051829, in its eastern neighbourhood BU05182902
ELSEWHERE = Point(4.315, 52.075)  # in WK051801, the north-eastern district
OUTSIDE = Point(5.9, 51.98)

RESIDENT = Viewer(Role.RESIDENT, "residents/anna", "residents")
NEIGHBOUR = Viewer(Role.RESIDENT, "residents/bram", "residents")
OFFICER = Viewer(Role.OFFICER, "municipality/desk", "municipality", frozenset({CITY}))
POLICE = Viewer(Role.POLICE, "police/team", "police", frozenset({CITY}))
ADMIN = Viewer(Role.ADMIN, "bart/admin", "bart")

AREAS = (  # code, kind, name, parent, west, south, east, north
    (CITY, "MUNICIPALITY", "Vierkantstad", None, 4.28, 52.06, 4.32, 52.08),
    ("SD-zuid", "BOROUGH", "Zuid", CITY, 4.28, 52.06, 4.30, 52.07),
    ("WK051829", "DISTRICT", "Zuidwest", "SD-zuid", 4.28, 52.06, 4.30, 52.07),
    ("WK051802", "DISTRICT", "Zuidoost", CITY, 4.30, 52.06, 4.32, 52.07),
    ("WK051803", "DISTRICT", "Noordwest", CITY, 4.28, 52.07, 4.30, 52.08),
    ("WK051801", "DISTRICT", "Noordoost", CITY, 4.30, 52.07, 4.32, 52.08),
    ("BU05182901", "NEIGHBOURHOOD", "Zuidwest-West", "WK051829", 4.28, 52.06, 4.29, 52.07),
    ("BU05182902", "NEIGHBOURHOOD", "Zuidwest-Oost", "WK051829", 4.29, 52.06, 4.30, 52.07),
)
CATEGORIES = (  # slug, parent, name, visibility, urgency
    ("afval", None, "Afval", "PUBLIC", "NORMAL"),
    ("glas", "afval", "Glas op straat", "PUBLIC", "NORMAL"),
    ("verlichting", None, "Verlichting", "PUBLIC", "URGENT"),
    ("hulp", None, "Hulp in huis", "INVOLVED", "NORMAL"),
    ("overlast", None, "Overlast", "AUTHORITIES", "NORMAL"),
    ("drugs", None, "Drugs", "POLICE", "NORMAL"),
)


async def build(db: Database) -> None:
    """Fill an empty database with the world."""
    async with db.write() as conn:
        await conn.execute(
            insert(area),
            [
                {
                    "id": uuid4(),
                    "code": code,
                    "kind": kind,
                    "name": name,
                    "parent_code": parent,
                    "municipality_code": CITY,
                    "approximate": False,
                    "state": "LIVE",
                    "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
                    "geom": from_shape(MultiPolygon([box(west, south, east, north)]), srid=4326),
                    "digest": b"world",
                }
                for code, kind, name, parent, west, south, east, north in AREAS
            ],
        )
        await conn.execute(
            insert(category),
            [
                {
                    "slug": slug,
                    "parent_slug": parent,
                    "name_nl": name,
                    "name_en": name,
                    "visibility": visibility,
                    "urgency": urgency,
                    "handling_hours": 72,
                    "active": True,
                }
                for slug, parent, name, visibility, urgency in CATEGORIES
            ],
        )


async def submit(
    db: Database,
    *,
    at: Point = INSIDE,
    by: Viewer = RESIDENT,
    category: str = "glas",
    description: str = "Glas rond de glasbak",
    visibility: Visibility = Visibility.PUBLIC,
) -> Report:
    """A report, with its event, made below the use-cases so that any visibility can be had."""
    async with db.write() as conn:
        place = await areas.locate(conn, at)
        assert place is not None
        report = await reports.insert_new(
            conn,
            category=category,
            urgency=Urgency.NORMAL,
            visibility=visibility,
            description=description,
            location=at,
            place=place,
            due_at=None,
        )
        await involvement.involve(conn, report.id, by.party, Involvement.REPORTER)
        await events.append(conn, EventKind.REPORT_SUBMITTED, ActorKind.RESIDENT, None, report, {}, party=by.party)
    return report
