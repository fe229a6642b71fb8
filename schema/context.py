"""What a resolver has at hand, typed. Made by `api` for each request or socket."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from geo import adoptions, alert_answers, alert_deliveries, alerts, areas, contacts, events, evidence, ratings, reports
from geo.alert_answers import AlertAnswer
from geo.alert_deliveries import AlertReach, Watchers
from geo.areas import Areas
from geo.categories import Categories
from geo.contacts import Contact
from geo.cursor import Cursors, PageCursor
from geo.db import Database
from geo.feed import Feed
from geo.links import Links
from geo.models import Adoption, Alert, Area, Event, Evidence, RatingSummary, Report
from geo.photos import PhotoStore
from geo.statuses import Statuses
from geo.usecases.register_message import Monitor
from geo.usecases.set_preferences import AskAddress
from geo.viewer import ANONYMOUS, Viewer

T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """What lives as long as the process."""

    db: Database
    feed: Feed
    areas: Areas
    categories: Categories
    statuses: Statuses
    cursors: Cursors
    links: Links
    watchers: Watchers
    photos: PhotoStore
    monitor: Monitor
    ask_address: AskAddress | None = None  # to ask at a new e-mail address if it is right; None where no mail is sent


class Budget(NamedTuple):
    """What is left of the caller's rate limit: requests, and seconds until it is whole again."""

    limit: int
    remaining: int
    resets_in: int


class Slice(NamedTuple):
    """The first `limit` things of a report or an alert behind a cursor; one more than asked tells whether there are
    more."""

    of: UUID
    after: PageCursor | None
    limit: int


@dataclass
class Context:
    """Loaders keep nothing: a socket lives long, and what it reads must be fresh. They only batch."""

    services: Services
    viewer: Viewer = ANONYMOUS
    budget: Budget | None = None
    connection_params: dict[str, object] = field(default_factory=dict)
    request: object = None

    @property
    def db(self) -> Database:
        return self.services.db

    @cached_property
    def reports(self) -> DataLoader[UUID, Report | None]:
        async def load(ids: list[UUID]) -> list[Report | None]:
            async with self.db.read() as conn:
                found = await reports.by_ids(conn, self.viewer, ids)
            return [found.get(report_id) for report_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def surviving(self) -> DataLoader[UUID, Report | None]:
        """Reports by id; in the place of a merged one the report that goes on."""

        async def load(ids: list[UUID]) -> list[Report | None]:
            async with self.db.read() as conn:
                found = await reports.surviving(conn, self.viewer, ids)
            return [found.get(report_id) for report_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def contacts(self) -> DataLoader[UUID, Contact | None]:
        """How to reach reporters; each that is read is noted. For reports in the territory of a known viewer."""

        async def load(ids: list[UUID]) -> list[Contact | None]:
            async with self.db.write() as conn:
                found = await contacts.read(conn, self.viewer.known_party(), ids)
            return [found.get(report_id) for report_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def areas(self) -> DataLoader[str, Area | None]:
        async def load(codes: list[str]) -> list[Area | None]:
            async with self.db.read() as conn:
                found = await areas.by_codes(conn, codes)
            return [found.get(code) for code in codes]

        return DataLoader(load, cache=False)

    @cached_property
    def adoptions(self) -> DataLoader[UUID, Adoption | None]:
        async def load(ids: list[UUID]) -> list[Adoption | None]:
            async with self.db.read() as conn:
                found = await adoptions.latest(conn, ids)
            return [found.get(report_id) for report_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def ratings(self) -> DataLoader[UUID, RatingSummary | None]:
        async def load(ids: list[UUID]) -> list[RatingSummary | None]:
            async with self.db.read() as conn:
                found = await ratings.of_reports(conn, self.viewer, ids)
            return [found.get(report_id) for report_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def evidence_by_id(self) -> DataLoader[UUID, Evidence | None]:
        async def load(ids: list[UUID]) -> list[Evidence | None]:
            async with self.db.read() as conn:
                found = await evidence.by_ids(conn, ids)
            return [found.get(evidence_id) for evidence_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def evidence(self) -> DataLoader[Slice, list[Evidence]]:
        async def load(ids: Sequence[UUID], after: PageCursor | None, limit: int) -> dict[UUID, list[Evidence]]:
            async with self.db.read() as conn:
                return await evidence.of_reports(conn, ids, after, limit)

        return DataLoader(_by_slice(load), cache=False)

    @cached_property
    def timeline(self) -> DataLoader[Slice, list[Event]]:
        async def load(ids: Sequence[UUID], after: PageCursor | None, limit: int) -> dict[UUID, list[Event]]:
            async with self.db.read() as conn:
                return await events.timeline(conn, self.viewer, ids, after, limit)

        return DataLoader(_by_slice(load), cache=False)

    @cached_property
    def alerts(self) -> DataLoader[UUID, Alert | None]:
        async def load(ids: list[UUID]) -> list[Alert | None]:
            async with self.db.read() as conn:
                found = await alerts.by_ids(conn, ids)
            return [found.get(alert_id) for alert_id in ids]

        return DataLoader(load, cache=False)

    @cached_property
    def alert_answers(self) -> DataLoader[Slice, list[AlertAnswer]]:
        async def load(ids: Sequence[UUID], after: PageCursor | None, limit: int) -> dict[UUID, list[AlertAnswer]]:
            async with self.db.read() as conn:
                return await alert_answers.of_alerts(conn, ids, after, limit)

        return DataLoader(_by_slice(load), cache=False)

    @cached_property
    def alert_reach(self) -> DataLoader[UUID, AlertReach]:
        async def load(ids: list[UUID]) -> list[AlertReach]:
            async with self.db.read() as conn:
                found = await alert_deliveries.of_alerts(conn, ids)
            return [found[alert_id] for alert_id in ids]

        return DataLoader(load, cache=False)


def _by_slice(
    load: Callable[[Sequence[UUID], PageCursor | None, int], Awaitable[dict[UUID, list[T]]]],
) -> Callable[[list[Slice]], Awaitable[list[list[T]]]]:
    """One statement for all that were asked for the same slice."""

    async def load_slices(slices: list[Slice]) -> list[list[T]]:
        groups: dict[tuple[PageCursor | None, int], list[UUID]] = defaultdict(list)
        for key, after, limit in slices:
            groups[after, limit].append(key)
        found = {group: await load(ids, *group) for group, ids in groups.items()}
        return [found[after, limit][key] for key, after, limit in slices]

    return load_slices


Info = strawberry.Info[Context, None]
