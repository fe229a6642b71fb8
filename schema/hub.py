"""The hub: one reader of the feed that tells all subscriptions of this process, however many there are.

For each delivery it looks up who may be concerned, judges once for each group of subscriptions that are told the same,
makes the payload once for each cohort, and hands it to the sockets. There is no task and no generator a subscription.
A member that comes from an earlier place is caught up by a task of its own first, and then joins without a gap: all
that a member is told lies behind its `after`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import structlog

from geo.cursor import FeedCursor
from geo.deliveries import AnyDelivery, Delivery
from geo.models import EventKind
from geo.viewer import ANONYMOUS
from schema.cohorts import Cohort
from schema.context import Context, Services
from schema.following import resync
from schema.groups import Group, Groups, Member, Sink, position_of, recipients, subject_of
from schema.listening import Listener
from schema.plans import Plans

SLICE = 256  # sockets written to before others have their turn
REPLAYS = 64  # members that are caught up at a time
TURN = 250  # deliveries that are told to one of them before another has its turn
JOINS = 16  # subscriptions that look up at a time whether they can be: others need the database too
RECENT = 2_048  # payloads kept in a group while members of it are being caught up
log = structlog.get_logger()


class Hub:
    def __init__(self, schema: Any, services: Services) -> None:
        self._feed = services.feed
        self._services = services
        self._plans = Plans(schema)
        self.groups = Groups()
        self._replays = asyncio.Semaphore(REPLAYS)
        self._joins = asyncio.Semaphore(JOINS)
        self._cursor: FeedCursor | None = None

    @property
    def _now(self) -> FeedCursor:
        """The last place that all live members were told of, or are being told of."""
        return self._cursor or self._feed.now

    async def run(self) -> None:
        """Tell what the feed brings, until cancelled."""
        while True:
            try:
                await self._follow()
            except Exception as error:  # nobody would be told anything any more: all come back, and it goes on
                self._give_up([member for group in self.groups for member in group.members], error)
                await asyncio.sleep(1)

    async def _follow(self) -> None:
        self._cursor = self._feed.now
        map_version = self._feed.map_version
        while True:
            batch = await self._feed.after(self._cursor)
            if batch is None:
                await self._start_over()
                continue
            if map_version != self._feed.map_version:
                map_version = self._feed.map_version
                await self._look_again()
            for delivery in batch:
                if self._feed.now.epoch != self._cursor.epoch:
                    break  # the rest has no place in the feed any more
                position = position_of(delivery)
                self._cursor = self._cursor._replace(position=position)
                await self._tell(delivery, position)

    async def join(
        self,
        sink: Sink,
        head: bytes,
        query: str,
        variables: dict[str, Any],
        operation_name: str | None,
        context: Context,
    ) -> Member | None:
        """Tell this subscription from now on; None where it has to go the ordinary way, as what is no subscription."""
        plan = self._plans.find(query, operation_name)
        executor = plan and self._plans.executor(plan, variables, context)
        if not (plan and executor):
            return None
        async with self._joins:
            listener = await self._plans.listener(executor)
        if listener is None:
            return None
        alike = self._plans.alike(plan, variables, executor)
        if alike is None:
            return None
        viewer = ANONYMOUS if alike and not listener.personal else context.viewer
        cohort_key = (*plan.key(variables), viewer)
        key = cohort_key, listener.key
        if listener.start != self._feed.now:
            await self._feed.catch_up(listener.start)
        group = self.groups.find(key)
        if group is None:
            map_version = await self._look(listener)
            cohort = self.groups.cohort(cohort_key) or Cohort(cohort_key, executor, viewer, listener)
            group = self.groups.add(key, cohort, listener, map_version)
        member = Member(sink, head, group, context.viewer.party)
        group.members[member] = None
        try:
            await self._catch_up(member, listener.start)
        except BaseException:
            self.leave(member)
            raise
        return member

    def leave(self, member: Member) -> None:
        """Tell it nothing any more."""
        self.groups.leave(member)

    async def _tell(self, delivery: AnyDelivery, position: int) -> None:
        if isinstance(delivery, Delivery) and delivery.event.kind is EventKind.ERASED:
            for group in self.groups:
                group.recent.clear()  # what was erased is kept nowhere
        telling: dict[tuple[Cohort, type], tuple[Any, list[Member]]] = {}
        for count, group in enumerate(self.groups.concerned(delivery)):
            if count % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            try:
                for told, members in recipients(group, delivery):
                    telling.setdefault((group.cohort, type(told)), (told, []))[1].extend(members)
            except Exception as error:
                self._give_up(list(group.members), error)
        for (cohort, _), (told, members) in telling.items():
            await self._send(cohort, told, members, delivery, position)
        await asyncio.sleep(0)  # who reads has time to; else a burst would make everybody look slow

    async def _send(
        self, cohort: Cohort, told: Any, members: Sequence[Member], delivery: AnyDelivery | None, position: int
    ) -> None:
        async def deliver(payload: bytes | None) -> None:
            if payload is None:
                return
            key = None if delivery is None else subject_of(delivery)[0]
            counted = delivery if cohort.counts else None
            for begin in range(0, len(members), SLICE):
                for member in members[begin : begin + SLICE]:
                    if member.live and member.after < position:
                        member.sink.send(member.head, payload, key)
                        if counted:
                            member.hear(counted)
                await asyncio.sleep(0)

        async def make_and_deliver() -> None:
            try:
                await deliver(await cohort.payload(told))
            except Exception as error:
                self._give_up(members, error)

        try:
            if payload := cohort.at_once(told):
                await deliver(payload)
            elif cohort.full:
                for member in members:
                    member.sink.let_go("More happens than can be read for you in time.")
            else:
                cohort.later(make_and_deliver)
        except Exception as error:
            self._give_up(members, error)

    def _give_up(self, members: Sequence[Member], error: Exception) -> None:
        """Let clients come back for what could not be told."""
        number = uuid4().hex[:12]
        log.error("events_not_told", error_id=number, members=len(members), exc_info=error)
        for member in members:
            member.sink.let_go(f"Something went wrong on our side; its number is {number}.")

    async def _catch_up(self, member: Member, cursor: FeedCursor) -> None:
        """Tell all that lies between a place and the hub's, and let it read along from there.

        Who reads slowly waits for itself: a turn is taken by those only whose sockets have room.
        """
        group = member.group
        group.replaying += 1
        try:
            while cursor != self._feed.now and (
                cursor.epoch != self._now.epoch or cursor.position < self._now.position
            ):
                await member.sink.drained()
                async with self._replays:
                    await asyncio.sleep(0)
                    if member.sink.ready:
                        cursor = await self._replay(member, cursor)
            member.after, member.live = cursor.position, True
        finally:
            group.replaying -= 1
            if not group.replaying:
                group.recent.clear()

    async def _replay(self, member: Member, cursor: FeedCursor) -> FeedCursor:
        """Tell the next batch; returns the place behind it."""
        batch = await self._feed.after(cursor)
        if batch is None:
            payload = await member.group.cohort.payload(resync(self._services, cursor))
            assert payload
            member.sink.send(member.head, payload, None)
            return self._feed.now
        await self._look_where_it_lies(member.group)
        for delivery in batch[:TURN]:
            payload = await self._caught_up(member.group, delivery, member.party)
            cursor = cursor._replace(position=position_of(delivery))
            if payload:
                member.hear(delivery)
                member.sink.send(member.head, payload, None)
            if not member.sink.ready:
                break
        return cursor

    async def _caught_up(self, group: Group, delivery: AnyDelivery, party: str | None) -> bytes | None:
        """The payload for one that was away; made once for all that were, where they are told the same."""
        if isinstance(delivery, Delivery) and party in delivery.involved:
            return await _payload(group, delivery, party)
        if group.replaying == 1:
            return await _payload(group, delivery, None)
        key = delivery.event.id, subject_of(delivery)[1]
        if key in group.recent:
            return group.recent[key]
        payload = group.recent[key] = await _payload(group, delivery, None)
        if len(group.recent) > RECENT:
            del group.recent[next(iter(group.recent))]
        return payload

    async def _start_over(self) -> None:
        """Tell all that the feed goes on elsewhere."""
        told, self._cursor = resync(self._services, self._now), self._feed.now
        members: defaultdict[Cohort, list[Member]] = defaultdict(list)
        for group in self.groups:
            group.recent.clear()
            for member in group.members:
                member.after = -1 if member.live else member.after
                members[group.cohort].append(member)
        for cohort, concerned in members.items():
            await self._send(cohort, told, concerned, None, self._cursor.position)

    async def _look(self, listener: Listener[Any]) -> int:
        """Find its area on the map in force, also where another one came into force meanwhile; returns its version."""
        map_version = None
        while map_version != self._feed.map_version:
            map_version = self._feed.map_version
            await listener.look()
        return map_version

    async def _look_where_it_lies(self, group: Group) -> None:
        """The same for a group, unless it has looked on that map already."""
        if group.map_version != self._feed.map_version:
            self.groups.moved(group, await self._look(group.listener))

    async def _look_again(self) -> None:
        """Find areas on another map."""
        for group in self.groups:
            try:
                await self._look_where_it_lies(group)
            except Exception as error:
                self._give_up(list(group.members), error)


async def _payload(group: Group, delivery: AnyDelivery, party: str | None) -> bytes | None:
    told = group.listener.tell(delivery, party)
    return told and (group.cohort.at_once(told) or await group.cohort.payload(told))
