"""Evidence as the API shows it."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.relay import PageInfo

from geo.cursor import PageCursor
from geo.models import Evidence as Record
from geo.photos import full_key, thumbnail_key
from geo.visibility import sees
from schema.categories import Category, category
from schema.context import Info
from schema.enums import ActorKind, Decision, EvidenceKind, HiddenReason
from schema.nodes import Node
from schema.points import Point


@strawberry.type(description="A photo. Its URLs work for an hour: ask again rather than keep them.")
class Photo:
    upload_id: strawberry.Private[UUID]
    hidden: strawberry.Private[bool] = False

    @strawberry.field(description="The photo as JPEG, its longest side at most 2560 pixels, without any metadata.")
    def url(self, info: Info) -> str:
        return info.context.services.links.photo(full_key(self.upload_id), even_hidden=self.hidden)

    @strawberry.field(description="A small one as JPEG, its longest side 320 pixels.")
    def thumbnail_url(self, info: Info) -> str:
        return info.context.services.links.photo(thumbnail_key(self.upload_id), even_hidden=self.hidden)


@strawberry.type(description="What the report should say instead, and what became of the proposal.")
class Correction:
    record: strawberry.Private[Record]

    @strawberry.field(description="Where it should be; null where the place is right.")
    def location(self) -> Point | None:
        at = self.record.location
        return None if at is None else Point(lon=at.lon, lat=at.lat)

    @strawberry.field(
        description="What it should be about; null where the category is right, and where reports of that category are "
        "not for the caller to see."
    )
    async def category(self, info: Info) -> Category | None:
        if self.record.category is None:
            return None
        found = await category(info, self.record.category)
        report = await info.context.reports.load(self.record.report_id)
        seen = report is not None and sees(info.context.viewer, found.record.visibility, report.place.codes, ())
        return found if seen else None

    @strawberry.field(description="Whether it was applied.")
    def decision(self) -> Decision:
        assert self.record.decision is not None
        return self.record.decision


@strawberry.type(description="A measurement. Example: sound level, 71, dB(A).")
class Measurement:
    quantity: str = strawberry.field(description="What was measured. Example: `sound level`.")
    value: float = strawberry.field(description="How much.")
    unit: str = strawberry.field(description="Of what. Example: `dB(A)`.")


@strawberry.type(
    description="Something added to a report: a remark, a photo, a correction or a measurement. Each of them may have "
    "a remark and a photo."
)
class Evidence(Node):
    record: strawberry.Private[Record]

    def key(self) -> object:
        return self.record.id

    @strawberry.field(description="What it is.")
    def kind(self) -> EvidenceKind:
        return self.record.kind

    @strawberry.field(
        description="What was written, with personal data masked; null where nothing was, and where it is hidden. "
        "Plain text; escape it where you show it."
    )
    def remark(self) -> str | None:
        return self.record.remark

    @strawberry.field(
        description="What was written, where `remark` is masked or hidden; for the authorities of the territory, null "
        "for all others."
    )
    async def original(self, info: Info) -> str | None:
        return self.record.original if self.record.original and await self._of_authority(info) else None

    @strawberry.field(
        description="The photo; null where there is none. One that is hidden is for the authorities of the territory."
    )
    async def photo(self, info: Info) -> Photo | None:
        if self.record.upload_id is None or not await self._is_open(info):
            return None
        return Photo(upload_id=self.record.upload_id, hidden=self.record.hidden_reason is not None)

    @strawberry.field(description="What should be otherwise; null where this is no correction.")
    def correction(self) -> Correction | None:
        return Correction(record=self.record) if self.record.kind is EvidenceKind.CORRECTION else None

    @strawberry.field(description="What was measured; null where this is no measurement, and where it is hidden.")
    async def measurement(self, info: Info) -> Measurement | None:
        quantity, value, unit = self.record.quantity, self.record.value, self.record.unit
        if quantity is None or value is None or unit is None or not await self._is_open(info):
            return None
        return Measurement(quantity=quantity, value=value, unit=unit)

    @strawberry.field(description="Why it is hidden; null where it is not.")
    def hidden_reason(self) -> HiddenReason | None:
        return self.record.hidden_reason

    @strawberry.field(description="When it was added.")
    def added_at(self) -> datetime:
        return self.record.added_at

    @strawberry.field(description="Who added it, without telling which person.")
    def added_by(self) -> ActorKind:
        return self.record.added_by

    async def _is_open(self, info: Info) -> bool:
        return self.record.hidden_reason is None or await self._of_authority(info)

    async def _of_authority(self, info: Info) -> bool:
        """Whether the caller is an authority where the report is."""
        viewer = info.context.viewer
        report = await info.context.reports.load(self.record.report_id) if viewer.is_authority else None
        return report is not None and viewer.works_in(report.place.codes)


@strawberry.type(description="A piece of evidence in a list.")
class EvidenceEdge:
    cursor: str = strawberry.field(description="Its place in this list.")
    node: Evidence = strawberry.field(description="The evidence.")


@strawberry.type(description="A page of evidence, oldest first.")
class EvidenceConnection:
    edges: list[EvidenceEdge] = strawberry.field(description="The evidence with its cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")

    @strawberry.field(description="The evidence without its cursors.")
    def nodes(self) -> list[Evidence]:
        return [edge.node for edge in self.edges]


def cursor_of(record: Record) -> PageCursor:
    return PageCursor(record.added_at, record.id)
