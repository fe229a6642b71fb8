"""A database with very many reports, the same ones every time, for tests of plans and for benchmarks.

The map is a rectangle of 15 by 14 km, cut into boroughs, districts and neighbourhoods. What matters for plans is skewed
as it is in a city: some neighbourhoods have twenty times the reports of others, and each its busy corner; a few
categories have most of the reports; what is old is mostly resolved; words are as frequent as in a language (Zipf).
The newest reports have a history too: who reported them, evidence, events.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, product
from random import Random
from uuid import uuid4

from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon
from shapely.geometry import box as rectangle
from sqlalchemy import Connection, ForeignKeyConstraint, Index, UniqueConstraint, create_engine, insert, make_url, text
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from geo.geometry import Box
from geo.models import AreaKind, Urgency, Visibility
from geo.tables import area, category, report

CITY = "GM0001"
BOUNDS = Box(4.20, 52.00, 4.42, 52.126)
BEGINNING = datetime(2023, 1, 1, tzinfo=UTC)
END = BEGINNING + timedelta(days=3 * 365)
LEVELS = (
    (AreaKind.BOROUGH, "SD-{:02}", 8),
    (AreaKind.DISTRICT, "WK0001{:02}", 44),
    (AreaKind.NEIGHBOURHOOD, "BU0001{:04}", 114),
)
CATEGORIES = [f"category-{rank:02}" for rank in range(1, 46)]  # the first is the most frequent
HIDDEN = {7: Visibility.AUTHORITIES, 8: Visibility.INVOLVED, 12: Visibility.POLICE, 14: Visibility.AUTHORITIES}
VISIBILITIES = [HIDDEN.get(rank, Visibility.PUBLIC) for rank in range(1, len(CATEGORIES) + 1)]
OPEN = {"REPORTED": 12, "ROUTED": 8, "SCHEDULED": 6, "UNDER_WAY": 6, "ON_HOLD": 3}
CLOSED = {"RESOLVED": 62, "REJECTED": 3}
URGENCIES = {"NORMAL": 93, "URGENT": 6, "EMERGENCY": 1}
PHRASES = 20_000
NEWEST = timedelta(days=22)  # a fiftieth of the reports
PARTIES = 1_000  # `residents/0` and so on: the reporters

_FIRST = (
    "straat stoep fiets glas afval boom lantaarn speel water hek gras brug zand blad tegel verkeers winkel school park "
    "plein haven markt gevel kelder dak deur raam muur bus tram auto licht kabel riool put sloot duin strand kade bank"
)
_SECOND = (
    "paal bak rand pad wrak hoop tak kast toestel leiding bord plaat stoel tuin kuil wand kant steen vuil schade lek "
    "mast hoek deksel doos zak ring lamp bocht goot strook vak scherm perk trap helling rooster kist emmer plek"
)


@dataclass(frozen=True)
class Piece:
    """A rectangle of the map."""

    code: str
    kind: AreaKind
    parent: str | None
    box: Box


def _cut(box: Box, parts: int, random: Random) -> Iterator[Box]:
    """The box in so many unequal parts."""
    if parts == 1:
        yield box
        return
    half = parts // 2
    share = half / parts * random.uniform(0.7, 1.3)
    if (box.east - box.west) * 0.6 > box.north - box.south:
        middle = box.west + share * (box.east - box.west)
        first, second = Box(box.west, box.south, middle, box.north), Box(middle, box.south, box.east, box.north)
    else:
        middle = box.south + share * (box.north - box.south)
        first, second = Box(box.west, box.south, box.east, middle), Box(box.west, middle, box.east, box.north)
    yield from _cut(first, half, random)
    yield from _cut(second, parts - half, random)


def city() -> list[Piece]:
    """The municipality, its boroughs, their districts and their neighbourhoods."""
    random = Random(1)
    level = [Piece(CITY, AreaKind.MUNICIPALITY, None, BOUNDS)]
    pieces = level
    for kind, code, total in LEVELS:
        shares = [total * (i + 1) // len(level) - total * i // len(level) for i in range(len(level))]
        cuts = [
            (outer, box) for outer, parts in zip(level, shares, strict=True) for box in _cut(outer.box, parts, random)
        ]
        level = [Piece(code.format(i), kind, outer.code, box) for i, (outer, box) in enumerate(cuts)]
        pieces = pieces + level
    return pieces


def words() -> list[str]:
    """The vocabulary, the most frequent word first."""
    found = [a + b for a, b in product(_FIRST.split(), _SECOND.split())]
    Random(2).shuffle(found)
    return found


def _phrases() -> list[str]:
    random, vocabulary = Random(3), words()
    return [
        "Er ligt een " + " ".join(vocabulary[int(len(vocabulary) ** random.random()) - 1] for _ in range(6))
        for _ in range(PHRASES)
    ]


def _cumulative(weights: Sequence[float]) -> list[float]:
    """Thresholds for `width_bucket`, so that number i is drawn with the i-th weight."""
    return [part / sum(weights) for part in accumulate([0, *weights[:-1]])]


def _insert_map(conn: Connection) -> None:
    conn.execute(
        insert(area).values(
            municipality_code=CITY, approximate=True, state="LIVE", valid_from=BEGINNING, digest=b"million"
        ),
        [
            {
                "id": uuid4(),
                "code": piece.code,
                "kind": piece.kind,
                "name": f"Gebied {piece.code}",
                "parent_code": piece.parent,
                "geom": from_shape(MultiPolygon([rectangle(*vars(piece.box).values())]), srid=4326),
            }
            for piece in city()
        ],
    )
    conn.execute(
        insert(category).values(urgency=Urgency.NORMAL, handling_hours=72, active=True),
        [
            {"slug": slug, "name_nl": slug, "name_en": slug, "visibility": visibility}
            for slug, visibility in zip(CATEGORIES, VISIBILITIES, strict=True)
        ],
    )


# Each value is drawn by a hash of the report's number. Newer reports have higher numbers, lie behind the older ones in
# the table, and are less often closed.
_DRAW = """
    CREATE FUNCTION pg_temp.draw(number bigint, seed integer) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN
        (hashint8extended(number, seed) & 9007199254740991)::float8 / 9007199254740992
"""
_REPORTS = """
    WITH hood AS (
        SELECT * FROM unnest(
            CAST(:neighbourhoods AS text[]), CAST(:districts AS text[]), CAST(:boroughs AS text[]),
            CAST(:wests AS float8[]), CAST(:souths AS float8[]), CAST(:widths AS float8[]), CAST(:heights AS float8[])
        ) WITH ORDINALITY AS hood (neighbourhood, district, borough, west, south, width, height, place)
    ), kind AS (
        SELECT * FROM unnest(CAST(:categories AS text[]), CAST(:visibilities AS text[]))
            WITH ORDINALITY AS kind (category, visibility, place)
    ), phrase AS (
        SELECT * FROM unnest(CAST(:phrases AS text[])) WITH ORDINALITY AS phrase (description, place)
    ), drawn AS (
        SELECT
            i,
            CASE WHEN pg_temp.draw(i, 1) < 0.7 * i / :total THEN
                (CAST(:open AS text[]))[width_bucket(pg_temp.draw(i, 2), CAST(:by_open AS float8[]))]
            ELSE
                (CAST(:closed AS text[]))[width_bucket(pg_temp.draw(i, 2), CAST(:by_closed AS float8[]))]
            END AS status,
            (CAST(:urgencies AS text[]))[width_bucket(pg_temp.draw(i, 3), CAST(:by_urgency AS float8[]))] AS urgency,
            (:total - i + pg_temp.draw(i, 4)) / :total * :seconds AS age,
            -ln(1 - pg_temp.draw(i, 5)) * 1728000 AS lasting,
            width_bucket(pg_temp.draw(i, 6), CAST(:by_neighbourhood AS float8[])) AS hood,
            width_bucket(pg_temp.draw(i, 7), CAST(:by_category AS float8[])) AS kind,
            1 + floor(pg_temp.draw(i, 8) * cardinality(CAST(:phrases AS text[])))::bigint AS phrase
        FROM generate_series(1::bigint, :total) AS i
    )
    INSERT INTO report (
        id, number, category, status, urgency, visibility, description, location, neighbourhood, district, borough,
        municipality, submitted_at, updated_at, version
    )
    SELECT
        CAST(lpad(to_hex(floor((extract(epoch FROM :finish) - age) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(i::text), 1, 19) AS uuid),
        lpad((i * 387420489 % 1000000000)::text, 9, '0'),
        category, status, urgency, visibility, description,
        ST_SetSRID(ST_MakePoint(
            west + width * pg_temp.draw(i, 9) ^ 1.2, south + height * pg_temp.draw(i, 10) ^ 1.2
        ), 4326),
        neighbourhood, district, borough, :municipality,
        :finish - age * interval '1 second',
        :finish - CASE status WHEN 'REPORTED' THEN age ELSE age * age / (age + lasting) END * interval '1 second',
        1
    FROM drawn
    JOIN hood ON hood.place = drawn.hood
    JOIN kind ON kind.place = drawn.kind
    JOIN phrase ON phrase.place = drawn.phrase
    ORDER BY i
"""

_HISTORY = (
    """
    CREATE TEMPORARY TABLE newest AS
    SELECT row_number() OVER (ORDER BY submitted_at) AS place, report.* FROM report WHERE submitted_at > :since
    """,
    """
    INSERT INTO involvement (report_id, party, role, since)
    SELECT id, 'residents/' || place % :parties, 'REPORTER', submitted_at FROM newest
    """,
    """
    INSERT INTO evidence (id, report_id, kind, remark, party, added_by, added_at)
    SELECT gen_random_uuid(), id, 'REMARK', 'Nog', 'residents/0', 'RESIDENT', submitted_at + part * interval '1 h'
    FROM newest, generate_series(1, 3) AS part
    """,
    """
    INSERT INTO event (id, position, report_id, version, kind, actor, at, visibility, after, detail)
    SELECT
        CAST(lpad(to_hex(floor(extract(epoch FROM submitted_at + part * interval '1 h') * 1000)::bigint), 12, '0')
            || '7' || substr(md5(id::text || part), 1, 19) AS uuid),
        4 * (place - 1) + part, id, part,
        CASE part WHEN 1 THEN 'REPORT_SUBMITTED' ELSE 'EVIDENCE_ADDED' END, 'RESIDENT',
        submitted_at + part * interval '1 h', visibility,
        jsonb_build_object(
            'category', category, 'status', status, 'urgency', urgency, 'visibility', visibility,
            'location', jsonb_build_array(ST_X(location), ST_Y(location)),
            'codes', jsonb_build_array(neighbourhood, district, borough, municipality), 'submitted_at', submitted_at
        ),
        '{}'
    FROM newest, generate_series(1, 4) AS part
    """,
    "UPDATE feed SET position = (SELECT max(position) FROM event)",
    """
    INSERT INTO idempotency (party, key, digest, outcome, at)
    SELECT 'residents/' || place % :parties, id, 'million', id, submitted_at FROM newest
    """,
    "DROP TABLE newest",
)


def _values(total: int) -> dict[str, object]:
    pieces = {piece.code: piece for piece in city()}
    hoods = [piece for piece in pieces.values() if piece.kind is AreaKind.NEIGHBOURHOOD]
    random = Random(4)
    return {
        "total": total,
        "finish": END,
        "seconds": (END - BEGINNING).total_seconds(),
        "municipality": CITY,
        "neighbourhoods": [hood.code for hood in hoods],
        "districts": [hood.parent for hood in hoods],
        "boroughs": [pieces[hood.parent or ""].parent for hood in hoods],
        "wests": [hood.box.west for hood in hoods],
        "souths": [hood.box.south for hood in hoods],
        "widths": [hood.box.east - hood.box.west for hood in hoods],
        "heights": [hood.box.north - hood.box.south for hood in hoods],
        "by_neighbourhood": _cumulative([20 ** random.random() for _ in hoods]),
        "categories": CATEGORIES,
        "visibilities": VISIBILITIES,
        "by_category": _cumulative([rank**-1.2 for rank in range(1, len(CATEGORIES) + 1)]),
        "open": [*OPEN],
        "by_open": _cumulative([*OPEN.values()]),
        "closed": [*CLOSED],
        "by_closed": _cumulative([*CLOSED.values()]),
        "urgencies": [*URGENCIES],
        "by_urgency": _cumulative([*URGENCIES.values()]),
        "phrases": _phrases(),
    }


def fill(url: str, total: int) -> None:
    """Fill a migrated, empty database. Indexes and keys are made after the rows, which is several times faster."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", hide_parameters=True
    )
    indexes = sorted(report.indexes, key=lambda index: "text" not in str(index.name))  # those take longest
    keys = [c for c in report.constraints if isinstance(c, ForeignKeyConstraint | UniqueConstraint)]
    with engine.connect() as conn:
        for index in indexes:
            conn.execute(DropIndex(index))
        for key in keys:
            conn.execute(DropConstraint(key))
        _insert_map(conn)
        conn.execute(text(_DRAW))
        conn.execute(text("SET work_mem = '512MB'"))
        conn.execute(text(_REPORTS), _values(total))
        for key in keys:
            conn.execute(AddConstraint(key))
        for statement in _HISTORY:
            conn.execute(text(statement), {"since": END - NEWEST, "parties": PARTIES})

    def make(index: Index) -> None:
        with engine.connect() as conn:
            conn.execute(text("SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 0"))
            conn.execute(CreateIndex(index))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, indexes))
    with engine.connect() as conn:
        conn.execute(text("VACUUM (ANALYZE)"))
    engine.dispose()
