"""Thank the resident who took a report on."""

from uuid import UUID

from geo import adoptions, events, idempotency, reports
from geo.db import Database
from geo.errors import NotAdopted, NotPermitted
from geo.models import EventKind, Outcome
from geo.viewer import Viewer


async def thank_adopter(db: Database, viewer: Viewer, report_id: UUID, idempotency_key: str | None) -> Outcome:
    """The event of the thanks, or the first answer to the same key.

    Raises `UnknownReport`, `NotAdopted`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "thankAdopter", report_id)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, report_id, ("input", "reportId"))
        adoption = (await adoptions.latest(conn, [before.id])).get(before.id)
        if adoption is None:
            raise NotAdopted(path=("input", "reportId"), hint="Thank those who took a report on: see `adoption`.")
        if adoption.party == party:
            raise NotPermitted("Nobody thanks themselves.", path=("input", "reportId"), hint="Let others do it.")
        if not await adoptions.thank(conn, adoption.id, party):
            raise NotPermitted("You thanked them already.", path=("input", "reportId"), hint="Once is enough.")
        after = await reports.change(conn, before)
        event = await events.append(conn, EventKind.ADOPTER_THANKED, viewer.actor, before, after, {}, party=party)
        await once.done(conn, event.id)
        return Outcome(event, after)
