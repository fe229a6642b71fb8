"""What a text is about and how urgent it is, by the categories of the demo."""

import tomllib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from sqlalchemy import update

import geo.demo
from geo.categories import everything
from geo.classifier import Suggestion, TermClassifier, is_sure, urgency_of
from geo.db import Database, engine
from geo.demo.load import load_categories
from geo.models import Category, Urgency, Visibility
from geo.tables import category
from tests.conftest import copied
from tests.geo.phrases import PHRASES, VAGUE

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def known(server_url: str, template: str) -> AsyncIterator[Database]:
    """A database with the categories of the demo, that the tests of this module only read."""
    with copied(server_url, template) as url:
        database = Database(engine(url))
        async with database.write() as conn:
            await load_categories(conn)
        yield database
        await database.engine.dispose()


async def classify(db: Database, text: str) -> list[Suggestion]:
    async with db.read() as conn:
        return await TermClassifier().classify(conn, text)


async def judged(db: Database, cases: Iterable[tuple[str | None, str]]) -> tuple[float, float]:
    """How often it asks, and how often it is right where it does not."""
    rights = []
    count = 0
    for slug, text in cases:
        count += 1
        suggestions = await classify(db, text)
        if is_sure(suggestions):
            rights.append(suggestions[0].category == slug)
    return 1 - len(rights) / count, sum(rights) / len(rights)


async def test_there_are_phrases_of_every_sub_category(known: Database) -> None:
    async with known.read() as conn:
        categories = await everything(conn)
    assert {*PHRASES} == {slug for slug, of in categories.items() if of.parent_slug}


async def test_it_is_right_when_it_is_sure_and_seldom_asks(known: Database) -> None:
    phrases = [(slug, phrase) for slug, phrases in PHRASES.items() for phrase in phrases]
    asks, right = await judged(known, phrases)
    assert asks <= 0.08
    assert right >= 0.98


async def test_it_asks_what_nobody_could_tell(known: Database) -> None:
    assert {text: found[0] for text in VAGUE if is_sure(found := await classify(known, text))} == {}


async def test_it_holds_on_texts_that_it_was_not_chosen_by(known: Database) -> None:
    told = tomllib.loads((Path(geo.demo.__file__).parent / "texts.toml").read_text(encoding="utf-8"))
    texts = [
        (slug, text.format(plek=told["places"][place % len(told["places"])]))
        for slug, texts in told["categories"].items()
        for place, text in enumerate(texts)
    ]
    asks, right = await judged(known, texts)
    assert asks <= 0.3
    assert right >= 0.95


async def test_reasons_are_the_words_that_met_a_term(known: Database) -> None:
    found = await classify(known, "Glasplinters en kapotgeslagen ruiten, de Lantaarns doen het nog")
    by_slug = {suggestion.category: suggestion.reasons for suggestion in found}
    assert '"glasplinters" ~ term "splinters"' in by_slug["glas"]
    assert '"lantaarns" ~ term "lantaarn"' in by_slug["lantaarn-uit"]


async def test_finds_a_term_at_the_beginning_of_a_compound(db: Database) -> None:
    async with db.write() as conn:
        await load_categories(conn)
        await conn.execute(update(category).where(category.c.slug == "glas").values(terms=["glas"]))
    found = await classify(db, "Glasscherven")
    assert found[0].category == "glas"
    assert found[0].reasons == ('"glasscherven" ~ term "glas"',)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("De lantarenpaal doet het niet", "lantaarn-uit"),  # written otherwise
        ("LANTAARNS KAPOT", "lantaarn-uit"),
        ("stoeptegels", "losse-tegel"),  # at the end of a compound
        ("De container hier zit alweer helemaal vol", "volle-container"),  # words of a term that stand apart
        ("Zakken naast de container", "naast-container"),
    ],
)
async def test_words_need_not_be_as_they_are_in_the_terms(known: Database, text: str, slug: str) -> None:
    assert (await classify(known, text))[0].category == slug


async def test_a_word_that_tells_where_counts_for_less(known: Database) -> None:
    assert (await classify(known, "Peuken bij het klimrek"))[0].category == "zwerfvuil"
    at_it, itself = await classify(known, "Bij het klimrek"), await classify(known, "Het klimrek")
    assert at_it[0].category == itself[0].category == "speeltoestel"
    assert at_it[0].score < itself[0].score


@pytest.mark.parametrize("text", ["", "   ", "!?", "de het een", "%_\\'\"", "12 34", "x" * 5000, "Что это?"])
async def test_what_says_nothing_has_no_suggestion(known: Database, text: str) -> None:
    assert await classify(known, text) == []


async def test_scores_are_shares_and_fall(known: Database) -> None:
    for text in (phrase for phrases in PHRASES.values() for phrase in phrases[:1]):
        scores = [suggestion.score for suggestion in await classify(known, text)]
        assert all(0 < score < 1 for score in scores)
        assert scores == sorted(scores, reverse=True)


async def test_does_not_suggest_what_is_no_longer_used(db: Database) -> None:
    async with db.write() as conn:
        await load_categories(conn)
        await conn.execute(update(category).where(category.c.slug == "graffiti").values(active=False))
    assert "graffiti" not in {found.category for found in await classify(db, "Graffiti op de muur")}


def test_it_is_sure_of_a_clear_lead_only() -> None:
    def scores(*values: float) -> list[Suggestion]:
        return [Suggestion(str(value), value, ()) for value in values]

    assert is_sure(scores(0.6))
    assert is_sure(scores(0.8, 0.6))
    assert not is_sure([])
    assert not is_sure(scores(0.4))
    assert not is_sure(scores(0.8, 0.75))


def of_urgency(urgency: Urgency) -> Category:
    return Category(
        slug="overig",
        parent_slug=None,
        name_nl="Overig",
        name_en="Other",
        visibility=Visibility.PUBLIC,
        urgency=urgency,
        handling_hours=40,
        active=True,
    )


EMERGENCIES = (
    "Brand in de container",
    "Er staat een scooter in brand",
    "Autobrand voor de deur",
    "Het ruikt hier sterk naar gas",
    "Er zijn gewonden",
    "Man loopt rond met een mes",
    "Ik zag een vuurwapen",
    "Instortingsgevaar: de muur staat op instorten",
    "Kind in het water gevallen",
    "Losse draden hangen uit de paal",
    "Stroomdraden liggen over het pad",
    "De boel is ONTPLOFT",
    "Niet alleen rook maar ook brand",
)
URGENT = (
    "Dit is gevaarlijk voor fietsers",
    "Levensgevaarlijk kruispunt",
    "Volgens mij is het asbest",
    "De tak dreigt naar beneden te vallen",
    "De schutting is omgevallen",
)
HARMLESS = (
    "Geen gevaar, wel lelijk",
    "Er is niemand gewond",
    "Er zijn geen gewonden",
    "Niet echt gevaarlijk",
    "Een ongevaarlijke scheur",
    "Na de brand is de gevel zwart",
    "De lantaarn brandt niet",
    "Een gewonde meeuw op de stoep",
    "Bankje in de fik gestoken vannacht, verkoold",
    "Brandnetels en brandgangen",
    "Het stinkt naar verbrand plastic",
    "De prullenbak is vol",
    "Gasten van het café, en een messing bordje",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, Urgency.EMERGENCY) for text in EMERGENCIES),
        *((text, Urgency.URGENT) for text in URGENT),
        *((text, Urgency.NORMAL) for text in HARMLESS),
    ],
)
def test_words_of_danger_make_it_urgent(text: str, expected: Urgency) -> None:
    assert urgency_of(text, of_urgency(Urgency.NORMAL)) is expected


@pytest.mark.parametrize("urgency", Urgency)
def test_it_is_never_less_urgent_than_its_category(urgency: Urgency) -> None:
    assert urgency_of("Geen gevaar", of_urgency(urgency)) is urgency
    assert urgency_of("Brand!", of_urgency(urgency)) is Urgency.EMERGENCY
