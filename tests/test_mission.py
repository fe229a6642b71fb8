"""Each word of the mission has its operation: the table of docs/process.md names them all, and the schema has them."""

import re

import pytest

from api.settings import ROOT
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
TABLE = [
    [cell.strip() for cell in line.strip("|\n ").split("|")]
    for line in (ROOT / "docs" / "process.md").read_text().splitlines()
    if line.startswith("| ") and "---" not in line and not line.startswith("| word")
]


@pytest.mark.parametrize("word", WORDS)
def test_each_word_of_the_mission_has_operations_that_are_there(word: str) -> None:
    schema = make_schema()._schema
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    known = {name for root in roots if root for name in root.fields}
    (row,) = [row for row in TABLE if re.search(rf"\b{word}\b", row[0])]
    named = re.findall(r"`(\w+)`", row[2])
    assert named
    assert set(named) <= known, set(named) - known
