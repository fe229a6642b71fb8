"""Maps of areas, and how a new one takes the place of an old one.

A file's areas are first STAGED, where no reader sees them. Then each municipality goes LIVE in a transaction of its
own, so that a reader finds either its old map or its new one. These rules hold for every map in force:

- A code has at most one LIVE version. The last version of a code that has none names its successor.
- The parent of an area is LIVE: the district in the code of a neighbourhood, or else the finest coarser area around a
  point inside it, in the same municipality. So the files of a municipality may come in any order.
- The municipality of an area is LIVE. Where no file brought it yet, it is the union of its areas.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.geometry import SRID
from geo.tables import area

_IMPORT_LOCK = 0x41524541  # "AREA": one import at a time


class Standing(NamedTuple):
    """What is known of a code in force."""

    digest: bytes | None
    approximate: bool


class Ending(NamedTuple):
    """A code that goes out of force, and the one that covers the largest part of it."""

    code: str
    successor: str
    municipality: str  # of the successor


async def try_lock(conn: AsyncConnection) -> bool:
    """Whether this session may import; one at a time may, until `unlock` or its end."""
    return bool((await conn.execute(select(func.pg_try_advisory_lock(_IMPORT_LOCK)))).scalar())


async def unlock(conn: AsyncConnection) -> None:
    await conn.execute(select(func.pg_advisory_unlock(_IMPORT_LOCK)))


async def standing(conn: AsyncConnection, codes: Collection[str]) -> dict[str, Standing]:
    """Those of the codes that are in force."""
    statement = text("SELECT code, digest, approximate FROM area WHERE state = 'LIVE' AND code = ANY(:codes)")
    rows = await conn.execute(statement, {"codes": [*codes]})
    return {row.code: Standing(row.digest, row.approximate) for row in rows}


async def clear(conn: AsyncConnection) -> None:
    """Remove what an import that did not end has left."""
    await conn.execute(text("DELETE FROM area WHERE state = 'STAGED'"))


async def stage(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store areas out of sight. A row has the columns of `area` that a file knows, and `wkb`."""
    statement = insert(area).values(
        id=bindparam("id"),
        code=bindparam("code"),
        kind=bindparam("kind"),
        name=bindparam("name"),
        municipality_code=bindparam("municipality_code"),
        approximate=bindparam("approximate"),
        digest=bindparam("digest"),
        geom=func.ST_GeomFromWKB(bindparam("wkb"), SRID),
        state="STAGED",
        valid_from=func.now(),
    )
    await conn.execute(statement, [{"id": uuid7(), **row} for row in rows])


async def analyze(conn: AsyncConnection) -> None:
    """Tell the planner of the new areas now, rather than when autovacuum comes by."""
    await conn.execute(text("ANALYZE area"))


async def withdraw(conn: AsyncConnection, codes: Collection[str]) -> list[str]:
    """Of these staged codes, those that are approximate and lie for the half or more in exact areas: unstaged again."""
    statement = text("""
        DELETE FROM area AS rough
        WHERE state = 'STAGED' AND approximate AND code = ANY(:codes) AND ST_Area(geom) / 2 <= (
            SELECT sum(ST_Area(ST_Intersection(exact.geom, rough.geom)))
            FROM area AS exact
            WHERE exact.state = 'LIVE' AND NOT exact.approximate AND exact.kind = rough.kind
              AND ST_Intersects(exact.geom, rough.geom)
        )
        RETURNING code""")
    return [*(await conn.execute(statement, {"codes": [*codes]})).scalars()]


# The areas of the file are staged, or in force already. OFFSET 0 in the next two makes the planner look them up by
# place, for each older area; it would rather compare all with all.


async def missing(conn: AsyncConnection, codes: Collection[str]) -> list[str]:
    """The codes in force that are not among those of the file, in the places that the file is about."""
    statement = text("""
        SELECT code FROM area AS old
        WHERE state = 'LIVE' AND code <> ALL(:codes) AND EXISTS (
            SELECT FROM (
                SELECT kind, geom FROM area WHERE state = 'STAGED'
                UNION ALL SELECT kind, geom FROM area WHERE state = 'LIVE' AND code = ANY(:codes)
            ) AS new
            WHERE new.kind = old.kind AND new.geom && old.geom
            OFFSET 0
        )
        ORDER BY code""")
    return [*(await conn.execute(statement, {"codes": [*codes]})).scalars()]


async def endings(conn: AsyncConnection, codes: Collection[str], missing: Collection[str]) -> list[Ending]:
    """Those of the missing codes that end: half or more of the area lies in areas of its kind that the file has.

    The file is not about an area that it covers less of: that one stays in force. A rough area ends no exact one.
    """
    statement = text("""
        SELECT old.code, (array_agg(new.code ORDER BY part DESC, new.code))[1] AS successor,
               (array_agg(new.municipality_code ORDER BY part DESC, new.code))[1] AS municipality
        FROM area AS old CROSS JOIN LATERAL (
            SELECT code, municipality_code, ST_Area(ST_Intersection(geom, old.geom)) AS part
            FROM (
                SELECT kind, code, municipality_code, approximate, geom FROM area WHERE state = 'STAGED'
                UNION ALL
                SELECT kind, code, municipality_code, approximate, geom FROM area
                WHERE state = 'LIVE' AND code = ANY(:codes)
            ) AS either
            WHERE kind = old.kind AND ST_Intersects(geom, old.geom) AND (old.approximate OR NOT approximate)
            OFFSET 0
        ) AS new
        WHERE old.state = 'LIVE' AND old.code = ANY(:missing)
        GROUP BY old.id HAVING sum(part) >= ST_Area(old.geom) / 2
        ORDER BY old.code""")
    rows = await conn.execute(statement, {"codes": [*codes], "missing": [*missing]})
    return [Ending(*row) for row in rows]


async def replace(conn: AsyncConnection, municipality: str, name: str | None, endings: Sequence[Ending]) -> None:
    """Put the staged areas of a municipality in force, in one transaction, and end what they take the place of.

    `endings` are those with a successor in this municipality; `name` is for one that no file has brought yet.
    """
    replaced = await conn.execute(text(_REPLACE), {"municipality": municipality})
    codes = {"codes": [e.code for e in endings], "successors": [e.successor for e in endings]}
    ended = await conn.execute(text(_END), codes)
    await conn.execute(text(_START), {"municipality": municipality})
    touched = {municipality, *replaced.scalars(), *ended.scalars()}
    touched |= {*(await conn.execute(text(_MOVE_IN), {"touched": [*touched]})).scalars()}
    for code in sorted(touched):
        await conn.execute(text(_UNITE), {"id": uuid7(), "code": code, "name": name if code == municipality else None})
    await conn.execute(text(_ABANDON), {"municipality": municipality, "touched": [*touched]})
    for statement in (_STAND, _NEST, _PEND):
        await conn.execute(text(statement), {"touched": [*touched]})


_REPLACE = """
    UPDATE area SET state = 'ENDED', valid_to = now()
    WHERE state = 'LIVE'
      AND code IN (SELECT code FROM area WHERE state = 'STAGED' AND municipality_code = :municipality)
    RETURNING municipality_code"""

_END = """
    UPDATE area SET state = 'ENDED', valid_to = now(), successor_code = ending.successor
    FROM unnest(CAST(:codes AS text[]), CAST(:successors AS text[])) AS ending (code, successor)
    WHERE state = 'LIVE' AND area.code = ending.code
    RETURNING municipality_code"""

_START = """
    UPDATE area SET state = 'LIVE', valid_from = now() WHERE state = 'STAGED' AND municipality_code = :municipality"""

# What still lies in a municipality that has ended lies in the one that followed it, if a file brought that.
_MOVE_IN = """
    WITH RECURSIVE gone AS (
        SELECT code, successor_code FROM area WHERE code = ANY(:touched) AND successor_code IS NOT NULL
        UNION
        SELECT gone.code, next.successor_code
        FROM gone JOIN area AS next ON next.code = gone.successor_code AND next.successor_code IS NOT NULL
    )
    UPDATE area SET municipality_code = heir.code
    FROM gone JOIN area AS heir
      ON heir.code = gone.successor_code AND heir.state = 'LIVE' AND heir.digest IS NOT NULL
    WHERE area.state = 'LIVE' AND area.municipality_code = gone.code
    RETURNING heir.code"""

# A municipality that no file brought is the union of its areas.
_UNITE = """
    INSERT INTO area (id, code, kind, name, municipality_code, approximate, state, valid_from, geom)
    SELECT :id, :code, 'MUNICIPALITY', coalesce(:name, :code), :code, true, 'LIVE', now(), ST_Multi(ST_Union(geom))
    FROM area
    WHERE state = 'LIVE' AND municipality_code = :code AND kind <> 'MUNICIPALITY'
      AND NOT EXISTS (SELECT FROM area WHERE state = 'LIVE' AND code = :code AND digest IS NOT NULL)
    HAVING count(*) > 0
    ON CONFLICT (code) WHERE state = 'LIVE' DO UPDATE SET geom = excluded.geom, name = coalesce(:name, area.name)"""

# ... and ends when it has none left.
_ABANDON = """
    UPDATE area SET state = 'ENDED', valid_to = now(), successor_code = :municipality
    WHERE state = 'LIVE' AND code = ANY(:touched) AND code <> :municipality AND digest IS NULL
      AND NOT EXISTS (
          SELECT FROM area AS part
          WHERE part.state = 'LIVE' AND part.municipality_code = area.code AND part.kind <> 'MUNICIPALITY'
      )"""

# A code that is in force stands for itself, even if it once led to another one.
_STAND = """
    UPDATE area SET successor_code = NULL
    WHERE successor_code IS NOT NULL
      AND code IN (SELECT code FROM area WHERE state = 'LIVE' AND municipality_code = ANY(:touched))"""

_NEST = """
    UPDATE area SET parent_code = nested.parent_code
    FROM (
        SELECT part.id, coalesce(
            (
                SELECT whole.code FROM area AS whole
                WHERE whole.state = 'LIVE' AND whole.municipality_code = part.municipality_code
                  AND part.kind = 'NEIGHBOURHOOD' AND whole.code = 'WK' || substr(part.code, 3, 6)
            ),
            (
                SELECT whole.code FROM area AS whole
                WHERE whole.state = 'LIVE' AND whole.municipality_code = part.municipality_code
                  AND (whole.kind = 'DISTRICT' AND part.kind = 'NEIGHBOURHOOD'
                       OR whole.kind = 'BOROUGH' AND part.kind IN ('NEIGHBOURHOOD', 'DISTRICT'))
                  AND ST_Intersects(whole.geom, ST_PointOnSurface(part.geom))
                ORDER BY whole.kind = 'BOROUGH', whole.code
                LIMIT 1
            ),
            part.municipality_code
        ) AS parent_code
        FROM area AS part
        WHERE part.state = 'LIVE' AND part.municipality_code = ANY(:touched) AND part.kind <> 'MUNICIPALITY'
    ) AS nested
    WHERE area.id = nested.id AND area.parent_code IS DISTINCT FROM nested.parent_code"""

_PEND = """
    INSERT INTO pending_recode (municipality_code) SELECT unnest(CAST(:touched AS text[])) ON CONFLICT DO NOTHING"""
