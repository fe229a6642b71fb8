"""The feed: one a process. It places committed events, tails them, and lets any number of watchers read along.

Positions are given after the commit, to rows already visible. Sequence numbers or transaction ids, taken before it,
would let a reader step over a change that is committed late, or make everyone wait for the oldest open writer.

`wake` is only a hint. A lost, late or doubled one costs latency, never an event: both loops also look by the clock.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import deliveries, positions
from geo.cursor import FeedCursor
from geo.db import Database
from geo.deliveries import AnyDelivery, Delivery
from geo.errors import TooSlow
from geo.models import EventKind
from geo.positions import Head

BATCH = 500
WINDOW = 2_000  # deliveries kept in memory: whoever is further behind reads from the database
APART = 0.1  # seconds between looks that are asked for
PAGES = 8  # read for them lately, and shared by those who are as far behind
log = structlog.get_logger()


async def _silent() -> None:
    """No other process to tell."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the feed, as it was read when the feed was `known` up to a position."""

    deliveries: asyncio.Task[list[AnyDelivery]]
    known: int


class Feed:
    def __init__(
        self,
        db: Database,
        *,
        own: Database | None = None,
        interval: float = 0.5,
        announce: Callable[[], Awaitable[None]] = _silent,
    ) -> None:
        """`own` is for placing and tailing: with connections that nobody else takes, the feed never waits for those
        whose events it tells."""
        self._db = db
        self._own = own or db
        self._interval = interval
        self._announce = announce
        self._unplaced = asyncio.Event()
        self._behind = asyncio.Event()
        self._news = asyncio.Event()
        self._window: list[AnyDelivery] = []
        self._latest: OrderedDict[UUID, Delivery] = OrderedDict()
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._tailing = asyncio.Lock()
        self._look: asyncio.Task[None] | None = None
        self._looked = -APART
        self._last: UUID | None = None  # the event that was told last
        self.cursor: FeedCursor | None = None
        self.map_version = 0  # at least the one on which the events were made that this process has told
        self.oldest = 0  # the first position that can still be resumed from
        self.revocation_version = 0
        self.after_revocation: Callable[[], None] = _nothing  # called when tokens were revoked
        db.after_commit = self._unplaced.set

    @property
    def now(self) -> FeedCursor:
        """The place up to which this process knows the feed."""
        if self.cursor is None:
            raise RuntimeError("The feed has not been started.")
        return self.cursor

    def wake(self) -> None:
        """Somebody says that there is something new."""
        self._behind.set()

    async def start(self) -> None:
        """Begin at the end of the feed as it is now, with the last of it at hand for those who come from elsewhere."""
        async with self._db.read_primary() as conn:
            head = await positions.head(conn)
            begin = max(head.oldest, head.position - WINDOW)
            self._remember(await deliveries.read(conn, begin, head.position - begin))
            self._advance(head)

    async def run(self) -> None:
        """Place and tail until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop(self._unplaced, self._place))
            group.create_task(self._loop(self._behind, self._tail))

    async def catch_up(self, cursor: FeedCursor) -> None:
        """Wait until this process knows of all that was committed before the call. All who wait share one look.

        A cursor from further on is one of events that are no more: then the feed starts over.
        """
        await self._look_together()
        if self._is_ahead(cursor):
            await self._look_together()  # once more: it may come from a replica, which sees a commit first
        if self._is_ahead(cursor):
            async with self._own.read_primary() as conn:
                await positions.renew_epoch(conn, cursor.epoch)
            await self._look_together()

    def _is_ahead(self, cursor: FeedCursor) -> bool:
        return cursor.epoch == self.now.epoch and cursor.position > self.now.position

    async def _look_together(self) -> None:
        if self._look is None:
            self._look = asyncio.create_task(self._look_now())
        await asyncio.shield(self._look)

    async def _look_now(self) -> None:
        await asyncio.sleep(max(0.0, self._looked + APART - time.monotonic()))  # where many come, they come together
        self._look, self._looked = None, time.monotonic()
        while not await self._succeeds(self._place) or not await self._succeeds(self._tail):
            pass

    async def _loop(self, signal: asyncio.Event, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                async with asyncio.timeout(self._interval):
                    await signal.wait()
            except TimeoutError:
                pass
            signal.clear()
            await self._succeeds(step)

    async def _succeeds(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Take a step, if the database is there; else wait a little for it."""
        try:
            await step()
        except (SQLAlchemyError, OSError, TooSlow) as error:
            log.warning("feed_step_failed", step=step.__name__, error=type(error).__name__)
        except Exception:  # nobody would be told anything any more: try again, and say so each time
            log.exception("feed_step_failed", step=step.__name__)
        else:
            return True
        await asyncio.sleep(self._interval / 2)
        return False

    async def _place(self) -> None:
        async with self._own.engine.begin() as conn:
            placed = await positions.place(conn)
        if placed:
            self.wake()
            await self._announce()

    async def _tail(self) -> None:
        async with self._tailing, self._own.read_primary() as conn:
            more = True
            while more:
                now = self.now
                batch = await deliveries.read(conn, now.position, BATCH)
                head, last = await positions.head_and(conn, now.position)
                lost = head.position < now.position or (now.position > head.oldest and last != self._last)
                if lost or head.epoch != now.epoch or now.position < head.oldest:
                    await self._start_over(conn, head, lost=lost)
                    return
                self._remember(batch)
                self._advance(head._replace(position=self.now.position + len(batch)), news=bool(batch))
                more = len(batch) == BATCH

    async def _start_over(self, conn: AsyncConnection, head: Head, *, lost: bool) -> None:
        if lost and head.epoch == self.now.epoch:  # the database does not have what we told: it is an older one
            await positions.renew_epoch(conn, head.epoch)
            head = await positions.head(conn)
        _, self._last = await positions.head_and(conn, head.position)
        self._window.clear()
        self._latest.clear()
        self._pages.clear()
        self._advance(head)

    def _remember(self, batch: list[AnyDelivery]) -> None:
        self._window = (self._window + batch)[-WINDOW:]
        self._last = batch[-1].event.id if batch else self._last
        for delivery in batch:
            if isinstance(delivery, Delivery):
                self._latest[delivery.event.report_id] = delivery
                self._latest.move_to_end(delivery.event.report_id)
        while len(self._latest) > WINDOW:
            self._latest.popitem(last=False)
        if any(isinstance(delivery, Delivery) and delivery.event.kind is EventKind.ERASED for delivery in batch):
            # What was erased is kept nowhere.
            self._window = [self._with_latest(delivery) for delivery in self._window]
            self._pages.clear()
            self._db.forget()

    def _advance(self, head: Head, *, news: bool = True) -> None:
        self.cursor = FeedCursor(head.epoch, head.position)
        self.map_version = head.map_version
        self.oldest = head.oldest
        if head.revocation_version != self.revocation_version:
            self.revocation_version = head.revocation_version
            self.after_revocation()
        if news:
            waiting, self._news = self._news, asyncio.Event()
            waiting.set()

    async def after(self, cursor: FeedCursor) -> list[AnyDelivery] | None:
        """The next deliveries behind a place, as soon as there are any.

        None when they can't be told any more: the feed has started over, or the cursor is older than what is kept.

        Each has its report as this process last saw it, which may be newer than the event, never older.
        """
        while cursor.epoch == self.now.epoch and cursor.position >= self.now.position:
            await self._news.wait()
        if cursor.epoch != self.now.epoch or cursor.position < self.oldest:
            return None
        newer = self.now.position - cursor.position
        behind = self._window[-newer:] if newer <= len(self._window) else await self._replay(cursor)
        if cursor.epoch != self.now.epoch or cursor.position < self.oldest:
            return None
        return [self._with_latest(delivery) for delivery in behind]

    def _with_latest(self, delivery: AnyDelivery) -> AnyDelivery:
        if not isinstance(delivery, Delivery):
            return delivery
        latest = self._latest.get(delivery.event.report_id, delivery)
        if latest is delivery or latest.report.version < delivery.report.version:
            return delivery
        return replace(delivery, report=latest.report, involved=delivery.involved | latest.involved)

    async def _replay(self, cursor: FeedCursor) -> list[AnyDelivery]:
        """The rest of the page that lies behind a place."""
        begin = cursor.position - cursor.position % BATCH
        while cursor.epoch == self.now.epoch:
            page = self._pages.get(begin)
            if page is None or page.known + WINDOW < self.now.position:  # `_latest` may lack what changed since
                page = Page(asyncio.create_task(self._read_page(begin)), self.now.position)
                self._pages[begin] = page
                self._pages.move_to_end(begin)
                while len(self._pages) > PAGES:
                    self._pages.popitem(last=False)
            found = await asyncio.shield(page.deliveries)
            if len(found) < BATCH and self._pages.get(begin) is page:  # there will be more
                del self._pages[begin]
            if behind := [delivery for delivery in found if (delivery.event.position or 0) > cursor.position]:
                return behind
        return []

    async def _read_page(self, begin: int) -> list[AnyDelivery]:
        while True:
            try:
                async with self._db.read_primary() as conn:
                    page = await deliveries.read(conn, begin, BATCH)
                    head = await positions.head(conn)
            except (SQLAlchemyError, OSError, TooSlow) as error:
                log.warning("feed_replay_failed", error=type(error).__name__)
                await asyncio.sleep(self._interval)
            else:
                self.map_version, self.oldest = head.map_version, head.oldest
                return page
