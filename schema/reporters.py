"""Who reported it, for those who may have to call."""

from datetime import datetime

import strawberry

from geo.models import Report
from schema.context import Info
from schema.enums import Channel


@strawberry.type(description="How to reach who reported it. That the caller read it is noted.")
class Reporter:
    name: str | None = strawberry.field(description="The name that was given.")
    email: str | None = strawberry.field(description="The e-mail address. Example: `anna@example.org`.")
    phone: str | None = strawberry.field(description="The telephone number, in E.164. Example: `+31701234567`.")
    lapses_at: datetime | None = strawberry.field(
        description="When these details are forgotten; null until the report is closed."
    )
    channel: Channel = strawberry.field(description="How the report came in.")


async def reporter_of(info: Info, report: Report) -> Reporter | None:
    viewer = info.context.viewer
    if viewer.party is None or not viewer.works_in(report.place.codes):
        return None
    found = await info.context.contacts.load(report.id)
    return (
        None
        if found is None
        else Reporter(
            name=found.name, email=found.email, phone=found.phone, lapses_at=found.lapses_at, channel=report.channel
        )
    )
