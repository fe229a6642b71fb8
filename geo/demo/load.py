"""Brings the demo into a database. Doing it again changes nothing."""

import asyncio
import csv
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import areas, categories, positions
from geo.db import Database
from geo.demo import reports
from geo.demo.areas import MUNICIPALITY, rows
from geo.demo.areas import write as write_areas
from geo.demo.stories import stories
from geo.models import Point
from geo.numbers import new_number
from geo.tables import category, municipality_policy, report
from geo.usecases.import_areas import import_areas

DEMO_LOCK = 0x44454D4F  # "DEMO": of two processes that start at once, one loads


async def load(db: Database) -> None:
    """Categories, the areas of The Hague and its policy where it has none, reports where there are none."""
    async with db.write() as conn:
        await load_categories(conn)
        policy = insert(municipality_policy).values(code=MUNICIPALITY, anonymous_submit=True)
        await conn.execute(policy.on_conflict_do_nothing())
    await load_areas(db)
    async with db.write() as conn:
        await load_reports(conn)
    async with db.write() as conn:
        await positions.place(conn)


async def load_areas(db: Database) -> None:
    """The drawn areas, unless the map has areas of The Hague already: whoever brought those knows better."""
    async with db.read_primary() as conn:
        if await areas.by_code(conn, MUNICIPALITY):
            return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "areas.geojson"
        await asyncio.to_thread(write_areas, path)
        await import_areas(db, path, approximate=True)


async def load_categories(conn: AsyncConnection) -> None:
    """The product's categories. One that is there already takes the new words; its rules are the municipality's now."""
    folder = Path(__file__).parent
    texts = tomllib.loads((folder / "category_texts.toml").read_text(encoding="utf-8"))
    with (folder / "categories.csv").open(encoding="utf-8", newline="") as file:
        values = [_category(row, texts[row["slug"]]) for row in csv.DictReader(file)]
    fresh = insert(category).values(values)
    words = {column: fresh.excluded[column] for column in ("parent_slug", "name_nl", "name_en", *_TEXTS)}
    await conn.execute(fresh.on_conflict_do_update(index_elements=["slug"], set_=words))


_TEXTS = ("terms", "related", "guidance_nl", "guidance_en", "borrow")


def _category(row: dict[str, str], texts: dict[str, Any]) -> dict[str, Any]:
    return {
        "slug": row["slug"],
        "parent_slug": row["parent"] or None,
        "name_nl": row["name_nl"],
        "name_en": row["name_en"],
        "visibility": row["visibility"],
        "urgency": row["urgency"],
        "handling_hours": int(row["handling_hours"]),
        "round_the_clock": row["round_the_clock"] == "yes",
        "feedback_days": int(row["feedback_days"]),
        "contact_days": int(row["contact_days"]),
        "terms": [term.strip() for term in texts["terms"].split(",")],
        "related": texts.get("related", []),
        "guidance_nl": texts.get("guidance_nl"),
        "guidance_en": texts.get("guidance_en"),
        "borrow": texts.get("borrow", []),
        "active": True,
    }


async def load_reports(conn: AsyncConnection) -> None:
    """Reports of the last two months in every district, labelled "(demo)", where there is no report yet."""
    await conn.execute(select(func.pg_advisory_xact_lock(DEMO_LOCK)))
    if await conn.scalar(select(exists().select_from(report))):
        return
    places = [Point(float(row["lon"]), float(row["lat"])) for row in rows() if row["code"].startswith("WK")]
    told = stories(datetime.now(UTC), await categories.everything(conn), places)
    numbers: set[str] = set()
    while len(numbers) < len(told):
        numbers.add(new_number())
    for story, number in zip(told, numbers, strict=True):
        await reports.write(conn, story, number)
