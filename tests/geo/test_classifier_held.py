"""The classifier, held to phrases that nothing was chosen by; and how terms count, on categories of a test's own."""

from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import event, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.categories import everything
from geo.classifier import Suggestion, TermClassifier, is_sure
from geo.db import Database
from geo.demo.load import load_categories
from geo.models import Category
from geo.tables import category
from tests.geo.held_phrases import HELD

pytestmark = pytest.mark.anyio
GLASS = "Alweer glasscherven rond de glasbak, kan daar niemand iets aan doen?"


@pytest.fixture
async def conn(db: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction with the product's categories."""
    async with db.write() as conn:
        await load_categories(conn)
        yield conn


async def classify(conn: AsyncConnection, text: str) -> list[Suggestion]:
    return await TermClassifier().classify(conn, text)


def related(one: str, other: str, known: Mapping[str, Category]) -> bool:
    """Whether they are the same, one is the main category of the other, or both have the same main category."""
    lines = [{slug, known[slug].parent_slug} - {None} for slug in (one, other)]
    return bool(lines[0] & lines[1])


async def test_when_sure_it_is_right_and_it_seldom_asks(conn: AsyncConnection) -> None:
    known = await everything(conn)
    cases = [(slug, phrase) for slug, phrases in HELD.items() for phrase in phrases]
    found = [(slug, await classify(conn, phrase)) for slug, phrase in cases]
    taken = [(slug, suggestions[0].category) for slug, suggestions in found if is_sure(suggestions)]
    right = sum(slug == said for slug, said in taken)
    near = sum(related(slug, said, known) for slug, said in taken)
    figures = f"{len(cases)} phrases, {len(taken)} taken without asking: {right} right, {near} right or related"
    assert len(taken) >= 0.55 * len(cases), figures
    assert near >= 0.85 * len(taken), figures
    assert right >= 0.70 * len(taken), figures


async def test_knows_the_glass_by_its_words(conn: AsyncConnection) -> None:
    suggestions = await classify(conn, GLASS)
    assert is_sure(suggestions)
    assert suggestions[0].category == "glas"
    assert any("glasscherven" in reason for reason in suggestions[0].reasons)


async def test_suggests_the_best_five(conn: AsyncConnection) -> None:
    text = "Ratten, onkruid, graffiti, hondenpoep, vuurwerk, zwerfvuil en overal glas"
    assert len(await classify(conn, text)) == 5


async def test_asks_the_database_once(db: Database, conn: AsyncConnection) -> None:
    statements = []
    event.listen(db.engine.sync_engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    await classify(conn, GLASS)
    assert len(statements) == 1


async def add(db: Database, terms: Mapping[str, tuple[str, ...]]) -> None:
    rest = {"name_en": "Test", "visibility": "PUBLIC", "urgency": "NORMAL", "handling_hours": 8, "active": True}
    values = [{"slug": slug, "name_nl": slug, "terms": list(of), **rest} for slug, of in terms.items()]
    async with db.write() as conn:
        await conn.execute(insert(category).values(values))


async def scores(db: Database, text: str) -> dict[str, float]:
    async with db.read() as conn:
        return {suggestion.category: suggestion.score for suggestion in await classify(conn, text)}


async def test_a_term_is_found_by_its_stem_compounds_and_trigrams(db: Database) -> None:
    await add(db, {"een": ("lantaarnpaal",), "twee": ("glas",), "drie": ("tegel",)})
    assert await scores(db, "lantaarnpalen") == await scores(db, "LANTAARNPAAL!")
    assert [*await scores(db, "glasscherven")] == ["twee"]
    assert [*await scores(db, "stoeptegels")] == ["drie"]
    assert await scores(db, "glans") == {}


async def test_a_term_of_two_words_takes_both(db: Database) -> None:
    await add(db, {"een": ("dode duif",)})
    assert [*await scores(db, "Een dode, aangereden duif")] == ["een"]
    assert await scores(db, "Er loopt een duif") == {}


async def test_a_term_of_many_categories_counts_for_less(db: Database) -> None:
    await add(db, {"een": ("kapot", "schommel"), "twee": ("kapot",), "drie": ("kapot",)})
    assert (await scores(db, "schommel"))["een"] > (await scores(db, "kapot"))["een"] > 0
    found = await scores(db, "schommel kapot")
    assert found["een"] > found["twee"] == found["drie"]
