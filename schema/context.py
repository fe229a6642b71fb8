"""What a resolver has at hand, typed. Made by `api` for each request or socket."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
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
from geo.db import Connection, Database
from geo.feed import Feed
from geo.links import Links
from geo.models import Adoption, Alert, Area, Event, Evidence, RatingSummary, Report
from geo.photos import PhotoStore
from geo.revocations import Revocations
from geo.statuses import Statuses
from geo.usecases.register_message import Monitor
from geo.usecases.set_preferences import AskAddress
from geo.viewer import ANONYMOUS, Viewer

K = TypeVar("K")
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
    revocations: Revocations
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
        return self._by_key(lambda conn, ids: reports.by_ids(conn, self.viewer, ids))

    @cached_property
    def surviving(self) -> DataLoader[UUID, Report | None]:
        """Reports by id; in the place of a merged one the report that goes on."""
        return self._by_key(lambda conn, ids: reports.surviving(conn, self.viewer, ids))

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
        return self._by_key(areas.by_codes)

    @cached_property
    def adoptions(self) -> DataLoader[UUID, Adoption | None]:
        return self._by_key(adoptions.latest)

    @cached_property
    def ratings(self) -> DataLoader[UUID, RatingSummary | None]:
        return self._by_key(lambda conn, ids: ratings.of_reports(conn, self.viewer, ids))

    @cached_property
    def evidence_by_id(self) -> DataLoader[UUID, Evidence | None]:
        return self._by_key(evidence.by_ids)

    @cached_property
    def evidence(self) -> DataLoader[Slice, list[Evidence]]:
        return self._by_slice(evidence.of_reports)

    @cached_property
    def timeline(self) -> DataLoader[Slice, list[Event]]:
        return self._by_slice(lambda conn, ids, after, limit: events.timeline(conn, self.viewer, ids, after, limit))

    @cached_property
    def alerts(self) -> DataLoader[UUID, Alert | None]:
        return self._by_key(alerts.by_ids)

    @cached_property
    def alert_answers(self) -> DataLoader[Slice, list[AlertAnswer]]:
        return self._by_slice(alert_answers.of_alerts)

    @cached_property
    def alert_reach(self) -> DataLoader[UUID, AlertReach | None]:
        return self._by_key(alert_deliveries.of_alerts)

    def _by_key(self, read: Callable[[Connection, list[K]], Awaitable[dict[K, T]]]) -> DataLoader[K, T | None]:
        """One statement for all keys that were asked for at once."""

        async def load(keys: list[K]) -> list[T | None]:
            async with self.db.read() as conn:
                found = await read(conn, keys)
            return [found.get(key) for key in keys]

        return DataLoader(load, cache=False)

    def _by_slice(
        self, read: Callable[[Connection, list[UUID], PageCursor | None, int], Awaitable[dict[UUID, list[T]]]]
    ) -> DataLoader[Slice, list[T]]:
        """One statement for all that were asked for the same slice."""

        async def load(slices: list[Slice]) -> list[list[T]]:
            groups: dict[tuple[PageCursor | None, int], dict[UUID, None]] = defaultdict(dict)
            for key, after, limit in slices:
                groups[after, limit][key] = None  # each once, however often it was asked for
            async with self.db.read() as conn:
                found = {group: await read(conn, list(ids), *group) for group, ids in groups.items()}
            return [found[after, limit][key] for key, after, limit in slices]

        return DataLoader(load, cache=False)


Info = strawberry.Info[Context, None]
