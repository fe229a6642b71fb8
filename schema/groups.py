"""Who subscribes to what: members in groups that are told of the same events, found by what a delivery is about."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Protocol

from geo.area_index import AreaIndex
from geo.deliveries import AlertDelivery, AnyDelivery, Delivery
from geo.models import Facts
from schema.cohorts import Cohort
from schema.listening import Listener, Seen, Topic, topics_of


class Sink(Protocol):
    """A socket, as far as those who send events need to know it."""

    def send(self, head: bytes, payload: bytes, key: object) -> None:
        """Send the payload behind the head of its operation. Where the socket is slow, of the messages of one operation
        with the same `key` (unless that is None) only the last is kept."""

    @property
    def ready(self) -> bool:
        """Whether what is sent goes out at once."""

    async def drained(self) -> None:
        """Wait until the socket has taken in most of what was sent."""

    def let_go(self, why: str) -> None:
        """Close the socket; its client comes back for what it has missed."""


class Member:
    """One subscription on one socket."""

    __slots__ = ("after", "group", "head", "live", "party", "seen", "sink")

    def __init__(self, sink: Sink, head: bytes, group: "Group", party: str | None) -> None:
        self.sink = sink
        self.head = head
        self.group = group
        self.party = party
        self.live = False  # reads along with the hub; until then it is being caught up
        self.after = 0  # the position behind which it has to be told
        self.seen: Seen | None = None

    def hear(self, delivery: AnyDelivery) -> None:
        """Note that it is told of a delivery, where that is counted."""
        if self.group.listener.counts:
            self.seen = self.seen or Seen()
            self.group.listener.heard(delivery, self.seen)


class Group:
    """The members of one cohort that are told of the same events."""

    __slots__ = ("about", "cohort", "key", "listener", "map_version", "members", "recent", "replaying")

    def __init__(self, key: object, cohort: Cohort, listener: Listener[Any]) -> None:
        self.key = key
        self.cohort = cohort
        self.listener = listener
        self.about = listener.about
        self.map_version = 0  # of the map on which the listener looked last
        self.members: dict[Member, None] = {}
        self.replaying = 0
        self.recent: dict[tuple[object, int], bytes | None] = {}  # made for members that are being caught up


class Groups:
    """All groups of the process. One that has no members is not kept."""

    def __init__(self) -> None:
        self._by_key: dict[object, Group] = {}
        self._areas: AreaIndex[Group] = AreaIndex()
        self._topics: defaultdict[Topic, set[Group]] = defaultdict(set)
        self._of_cohort: defaultdict[Cohort, int] = defaultdict(int)
        self._cohorts: dict[object, Cohort] = {}

    def __iter__(self) -> Iterator[Group]:
        """Those there are now; others may come and go meanwhile."""
        return iter(tuple(self._by_key.values()))

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def members(self) -> int:
        """How many there are in all."""
        return sum(len(group.members) for group in self._by_key.values())

    def find(self, key: object) -> Group | None:
        return self._by_key.get(key)

    def cohort(self, key: object) -> Cohort | None:
        return self._cohorts.get(key)

    def add(self, key: object, cohort: Cohort, listener: Listener[Any], map_version: int) -> Group:
        """The group of this key, a new one with this listener unless there is one."""
        if key not in self._by_key:
            group = self._by_key[key] = Group(key, cohort, listener)
            group.map_version = map_version
            self._cohorts[cohort.key] = cohort
            self._of_cohort[cohort] += 1
            self._enter(group)
        return self._by_key[key]

    def leave(self, member: Member) -> None:
        """Let go of a member, with its group where it was the last one."""
        member.live = False
        group = member.group
        if member not in group.members:
            return
        del group.members[member]
        if not group.members:
            del self._by_key[group.key]
            self._exit(group)
            self._of_cohort[group.cohort] -= 1
            if not self._of_cohort[group.cohort]:
                del self._of_cohort[group.cohort], self._cohorts[group.cohort.key]

    def moved(self, group: Group, map_version: int) -> None:
        """Its listener has looked where its area lies on this map; perhaps its last member left meanwhile."""
        group.map_version = map_version
        group.recent.clear()
        if self._by_key.get(group.key) is group:
            self._exit(group)
            self._enter(group)

    def concerned(self, delivery: AnyDelivery) -> Iterator[Group]:
        """Whoever may have to be told, each once: by what it is about, and by where its report is and was."""
        for topic in topics_of(delivery):
            yield from tuple(self._topics.get(topic, ()))
        if isinstance(delivery, Delivery):
            before, after = delivery.event.before, delivery.event.after
            found = self._holding(after)
            if before is not None and (before.location != after.location or before.codes != after.codes):
                found = found | self._holding(before)
            yield from found

    def _holding(self, facts: Facts) -> set[Group]:
        return self._areas.holding(facts.codes, facts.location)

    def _enter(self, group: Group) -> None:
        about = group.about = group.listener.about
        if isinstance(about, Topic):
            self._topics[about].add(group)
        else:
            self._areas.add(about, group)

    def _exit(self, group: Group) -> None:
        if not isinstance(group.about, Topic):
            self._areas.remove(group.about, group)
            return
        self._topics[group.about].discard(group)
        if not self._topics[group.about]:
            del self._topics[group.about]


def recipients(group: Group, delivery: AnyDelivery) -> Iterator[tuple[Any, list[Member]]]:
    """What each of a group's members is told: the same, but for those who are involved where that decides."""
    involved = delivery.involved if isinstance(delivery, Delivery) else frozenset[str]()
    if event := group.listener.tell(delivery, None):
        yield event, [member for member in group.members if member.party not in involved]
    for member in tuple(group.members) if involved else ():
        if member.party in involved and (event := group.listener.tell(delivery, member.party)):
            yield event, [member]


def position_of(delivery: AnyDelivery) -> int:
    position = delivery.event.position
    assert position is not None
    return position


def subject_of(delivery: AnyDelivery) -> tuple[object, int]:
    """What a delivery tells of, and in which version; None for what is told once."""
    match delivery:
        case Delivery(report=report):
            return report.id, report.version
        case AlertDelivery(alert=alert):
            return alert.id, alert.version
    return None, 0
