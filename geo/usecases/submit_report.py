"""Submit a report: check, ask whether it is one that is there already, file it."""

from dataclasses import dataclass

from geo import areas, events, idempotency, policies
from geo.categories import Categories
from geo.contacts import Contact
from geo.db import Database
from geo.errors import NotPermitted
from geo.geometry import check_point
from geo.matching import Match
from geo.models import Channel, Outcome, Urgency
from geo.published import publishable
from geo.usecases.file_report import Situation, file_report
from geo.usecases.find_similar import find_similar
from geo.viewer import Viewer

OFFICIAL = frozenset({Channel.CALL, Channel.FACE})


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller says of a situation.

    Without an urgency the category's own counts. `confirm_new` says that it is none of those that are there already;
    `mask` that personal data in the text may be masked.
    """

    category: str
    description: str
    lon: float
    lat: float
    urgency: Urgency | None = None
    confirm_new: bool = False
    mask: bool = False
    channel: Channel = Channel.APP
    contact: Contact | None = None


async def submit_report(
    db: Database, categories: Categories, viewer: Viewer, draft: Draft, idempotency_key: str | None
) -> Outcome | list[Match]:
    """The new report, or the first answer to the same key; or what it may be the same as, and then nothing is stored.

    Nobody is asked in an emergency. Raises `InvalidText`, `PersonalDataFound`, `InvalidLocation`, `OutsideKnownArea`,
    `UnknownCategory`, `NotPermitted`, and the problems of idempotency keys.
    """
    written = publishable(draft.description, ("input", "description"), mask=draft.mask)
    location = check_point(draft.lon, draft.lat, ("input", "location"))
    category = await categories.usable(draft.category, ("input", "category"))
    urgency = draft.urgency or category.urgency
    once = idempotency.Once(viewer, idempotency_key, "submitReport", draft)
    if draft.channel is Channel.MESSAGE:
        raise NotPermitted("A message is no report yet.", path=("input", "channel"), hint="Use registerMessage.")
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        place = await areas.check_located(conn, location, ("input", "location"))
        if (draft.channel in OFFICIAL or draft.contact) and not viewer.works_in(place.codes):
            raise NotPermitted(
                "Only an official reports for somebody who phoned or came by, and only in its own territory.",
                path=("input", "channel"),
                hint="Leave out `channel` and `contact`.",
            )
        anonymous = viewer.party is None and viewer.organisation is None
        if anonymous and not await policies.allows_anonymous(conn, place.municipality):
            raise NotPermitted(
                f"Municipality {place.municipality} takes reports with a token only.",
                hint="Send an Authorization: Bearer token.",
            )
        if not draft.confirm_new and urgency is not Urgency.EMERGENCY:
            matches = await find_similar(conn, categories, viewer, category.slug, written.text, location)
            if matches:
                await once.undone(conn)
                return matches
        situation = Situation(category, urgency, written, location, place, draft.channel, draft.contact)
        outcome = await file_report(conn, viewer, situation)
        await once.done(conn, outcome.event.id)
        return outcome
