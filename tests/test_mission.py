"""docs/process.md is true: each word of the mission has operations that the schema has, and the steps are the steps."""

import re

import pytest
from sqlalchemy import select

from api.settings import ROOT
from geo.db import Database
from geo.tables import status_transition
from schema.root import make_schema

WORDS = (
    "Monitoren",
    "Registratie",
    "Duiding",
    "valideren",
    "aanvullen",
    "Verrijken",
    "Muteren",
    "Publiceren",
    "Notificeren",
    "Routering",
    "Behandeling",
    "Terugkoppeling",
    "zelfredzaamheid",
    "waarschuwing",
    "Click",
    "Call",
    "Face",
    "toestemming",
)
WHO = {
    "authorities": ("OFFICER", "POLICE", "ADMIN"),
    "residents": ("RESIDENT", "APP"),
    "the adopter": ("ADOPTER",),
    "the involved": ("INVOLVED",),
    "the clock": ("SYSTEM",),
}


def table(heading: str) -> list[list[str]]:
    """The rows of the table of docs/process.md whose first column has this heading."""
    text = (ROOT / "docs" / "process.md").read_text()
    lines = text[text.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]


@pytest.mark.parametrize("word", WORDS)
def test_each_word_of_the_mission_has_operations_that_are_there(word: str) -> None:
    schema = make_schema()._schema
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    known = {name for root in roots if root for name in root.fields}
    (row,) = [row for row in table("word") if re.search(rf"\b{word}\b", row[0])]
    named = re.findall(r"`(\w+)`", row[2])
    assert named
    assert set(named) <= known, set(named) - known


@pytest.mark.anyio
async def test_the_steps_of_a_report_are_those_of_the_database(db: Database) -> None:
    async with db.read() as conn:
        stored = {tuple(row) for row in await conn.execute(select(status_transition))}
    shown = {(start, end, role) for start, ends, who in table("from") for end in ends.split(", ") for role in WHO[who]}
    assert shown == stored
