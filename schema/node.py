"""Anything by its id."""

from typing import Annotated
from uuid import UUID

import strawberry

from geo.errors import InvalidId
from schema.alerts import alert_of
from schema.areas import area_by_key
from schema.categories import category_by_key
from schema.context import Info
from schema.evidence import Evidence
from schema.messages import message_by_key
from schema.nodes import Node, read_id, read_uuid
from schema.notifications import notification_by_id
from schema.reports import report_of


async def node(info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Any `id`.")]) -> Node | None:
    """Anything by its id; null where there is none, or none for the caller to see."""
    kind, key = read_id(id, ("id",))
    match kind:
        case "Report":
            return report_of(await info.context.reports.load(read_uuid(id, kind, ("id",))))
        case "Evidence":
            return await _evidence(info, read_uuid(id, kind, ("id",)))
        case "Alert":
            return alert_of(await info.context.alerts.load(read_uuid(id, kind, ("id",))))
        case "Notification":
            return await notification_by_id(info, id)
        case "Message":
            return await message_by_key(info, read_uuid(id, kind, ("id",)))
        case "Area":
            return await area_by_key(info, key)
        case "Category":
            return await category_by_key(info, key)
    raise InvalidId(f'"{id[:80]}" is not the id of a Node.', path=("id",), hint="Pass the `id` of a Node.")


async def _evidence(info: Info, key: UUID) -> Evidence | None:
    """Evidence of a report that the caller may see."""
    found = await info.context.evidence_by_id.load(key)
    if found is None or await info.context.reports.load(found.report_id) is None:
        return None
    return Evidence(record=found)
