"""Evidence as the API shows it."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.relay import PageInfo

from geo.cursor import PageCursor
from geo.models import Evidence as Record
from geo.photos import full_key, thumbnail_key
from schema.context import Info
from schema.enums import ActorKind, EvidenceKind
from schema.nodes import Node


@strawberry.type(description="A photo. Its URLs work for an hour: ask again rather than keep them.")
class Photo:
    upload_id: strawberry.Private[UUID]

    @strawberry.field(description="The photo as JPEG, its longest side at most 2560 pixels, without any metadata.")
    def url(self, info: Info) -> str:
        return info.context.services.links.photo(full_key(self.upload_id))

    @strawberry.field(description="A small one as JPEG, its longest side 320 pixels.")
    def thumbnail_url(self, info: Info) -> str:
        return info.context.services.links.photo(thumbnail_key(self.upload_id))


@strawberry.type(description="Something added to a report: a remark, a photo, or a photo with a remark.")
class Evidence(Node):
    record: strawberry.Private[Record]

    def key(self) -> object:
        return self.record.id

    @strawberry.field(description="What it is.")
    def kind(self) -> EvidenceKind:
        return self.record.kind

    @strawberry.field(description="What was written; null for a bare photo.")
    def remark(self) -> str | None:
        return self.record.remark

    @strawberry.field(description="The photo; null for a remark.")
    def photo(self) -> Photo | None:
        return None if self.record.upload_id is None else Photo(upload_id=self.record.upload_id)

    @strawberry.field(description="When it was added.")
    def added_at(self) -> datetime:
        return self.record.added_at

    @strawberry.field(description="Who added it, without telling which person.")
    def added_by(self) -> ActorKind:
        return self.record.added_by


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
