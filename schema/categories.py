"""Categories of reports."""

from typing import Annotated

import strawberry

from geo.models import Borrow as BorrowRecord
from geo.models import Category as Record
from schema.context import Info
from schema.enums import Language, Urgency
from schema.nodes import Node

Lang = Annotated[Language, strawberry.argument(description="The language of the text.")]


@strawberry.type(description="A thing that residents can borrow.")
class Borrow:
    record: strawberry.Private[BorrowRecord]

    @strawberry.field(description="What it is. Example: `Veger en blik`.")
    def what(self, lang: Lang = Language.NL) -> str:
        return self.record.nl if lang is Language.NL else self.record.en

    @strawberry.field(description="Where. Example: `Wijkcentrum`.")
    def where(self) -> str:
        return self.record.where


@strawberry.type(description="What a report is about. Main categories have sub categories; a report may have either.")
class Category(Node):
    record: strawberry.Private[Record]

    def key(self) -> str:
        return self.record.slug

    @strawberry.field(description="The name used in input and filters. Example: `glas`.")
    def slug(self) -> str:
        return self.record.slug

    @strawberry.field(description="The name to show, in the language asked for. Example: `Glas op straat`.")
    def name(self, lang: Lang = Language.NL) -> str:
        return self.record.name_nl if lang is Language.NL else self.record.name_en

    @strawberry.field(description="The urgency a report of this category gets when none is given.")
    def urgency(self) -> Urgency:
        return self.record.urgency

    @strawberry.field(description="Whether residents can adopt its reports: those that are public and no emergency.")
    def adoptable(self) -> bool:
        return self.record.adoptable

    @strawberry.field(description="How residents do it themselves, to be shown; null where they should not.")
    def guidance(self, lang: Lang = Language.NL) -> str | None:
        return self.record.guidance_nl if lang is Language.NL else self.record.guidance_en

    @strawberry.field(description="What can be borrowed for it, and where.")
    def borrow(self) -> list[Borrow]:
        return [Borrow(record=thing) for thing in self.record.borrow]

    @strawberry.field(description="The slug of the main category above it; null for a main category.")
    def parent(self) -> str | None:
        return self.record.parent_slug


async def categories(info: Info) -> list[Category]:
    """The categories a report can have, the main ones first."""
    known = await info.context.services.categories.all()
    return [Category(record=record) for record in known.values() if record.active]


async def category(info: Info, slug: str) -> Category:
    known = await info.context.services.categories.all()
    return Category(record=known[slug])


async def category_by_key(info: Info, key: str) -> Category | None:
    known = await info.context.services.categories.all()
    return Category(record=known[key]) if key in known else None
