"""What watchers are told, for any history of a report, any watcher, and any delay on the way to it."""

from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from geo.deliveries import Delivery
from geo.events import facts_of
from geo.geometry import Box, Circle, CodeArea, Polygon
from geo.models import ActorKind, AreaKind, Event, EventKind, Point, Report, ReportStatus, Urgency, Visibility
from geo.report_pages import ReportFilter
from geo.viewer import ANONYMOUS, Viewer
from geo.visibility import sees
from geo.watch import Told, Watch
from tests.geo.strategies import CODES, NOON, parties, reports, viewers
from tests.world import ADMIN, INSIDE

REPORT_ID, OTHER_ID = UUID(int=1), UUID(int=2)

areas = st.one_of(
    st.none(),
    st.builds(
        CodeArea, st.just(AreaKind.DISTRICT), st.lists(st.sampled_from(CODES), min_size=1, max_size=2).map(tuple)
    ),
    st.just(Box(4.28, 52.06, 4.30, 52.07)),
    st.just(Circle(INSIDE, 300)),
    st.just(Polygon(((Point(4.29, 52.06), Point(4.32, 52.06), Point(4.32, 52.08), Point(4.29, 52.06)),))),
)
filters = st.builds(
    ReportFilter,
    statuses=st.none() | st.just((ReportStatus.REPORTED, ReportStatus.ROUTED)),
    categories=st.none() | st.just(("glas",)),
    urgencies=st.none() | st.just((Urgency.NORMAL,)),
    text=st.none() | st.sampled_from(["GLAS", "lamp"]),
)
watches = st.builds(Watch, viewers, areas, filters)


@dataclass(frozen=True)
class History:
    """The versions of a report, the parties involved at each, and which version is there when each event is told."""

    versions: list[Report]
    involved: list[frozenset[str]]
    found: list[int]

    def deliveries(self) -> list[Delivery]:
        told = []
        for at, after in enumerate(self.versions):
            before, now = self.versions[at - 1] if at else None, self.versions[self.found[at]]
            event = Event(
                id=UUID(int=10 + at),
                position=at + 1,
                report_id=after.id,
                version=after.version,
                kind=EventKind.STATUS_CHANGED if before else EventKind.REPORT_SUBMITTED,
                actor=ActorKind.MUNICIPALITY,
                at=NOON,
                before=facts_of(before) if before else None,
                after=facts_of(after),
                detail={},
            )
            told.append(Delivery(event, now, self.involved[self.found[at]]))
        return told


@st.composite
def histories(draw: st.DrawFn) -> History:
    count = draw(st.integers(1, 6))
    versions = [draw(reports(REPORT_ID, version)) for version in range(1, count + 1)]
    involved: list[frozenset[str]] = []
    found: list[int] = []
    for at in range(count):
        involved.append(draw(parties) | (involved[-1] if involved else frozenset()))
        found.append(draw(st.integers(max([at, *found[-1:]]), count - 1)))
    return History(versions, involved, found)


def shows(watch: Watch, report: Report, involved: frozenset[str]) -> bool:
    """Whether a query would find it: written down once more, apart from the code."""
    inside = (
        watch.area is None
        or (isinstance(watch.area, CodeArea) and any(code in watch.area.codes for code in report.place.codes))
        or (not isinstance(watch.area, CodeArea) and watch.area.covers(report.location))
    )
    wanted = watch.filter.accepts(facts_of(report), report.description)
    return inside and wanted and sees(watch.viewer, report.visibility, report.place.codes, involved)


@given(histories(), watches, st.booleans())
def test_applying_what_is_told_gives_what_a_query_finds(history: History, watch: Watch, by_event: bool) -> None:
    """Both by the version of the event, and by that of the report that came with it."""
    state: Report | None = None
    version = 0
    for delivery in history.deliveries():
        told = watch.judge(delivery)
        if told is Told.LEFT:
            state, version = None, delivery.event.version if by_event else 0
        elif told and delivery.event.version > version:
            state, version = delivery.report, delivery.event.version if by_event else delivery.report.version
    last = history.versions[-1]
    assert state == (last if shows(watch, last, history.involved[-1]) else None)


@given(histories(), watches)
def test_content_comes_only_with_the_right_to_it_then_and_now(history: History, watch: Watch) -> None:
    for delivery in history.deliveries():
        if watch.judge(delivery) in (Told.EVENT, Told.ENTERED):
            for facts in (delivery.event.after, facts_of(delivery.report)):
                assert sees(watch.viewer, facts.visibility, facts.codes, delivery.involved)


@given(histories(), watches)
def test_who_never_had_the_right_is_told_nothing(history: History, watch: Watch) -> None:
    deliveries = history.deliveries()
    if not any(sees(watch.viewer, v.visibility, v.place.codes, history.involved[-1]) for v in history.versions):
        assert [watch.judge(delivery) for delivery in deliveries] == [None] * len(deliveries)


@given(histories(), watches)
def test_each_step_is_named_by_where_the_report_was_and_is(history: History, watch: Watch) -> None:
    for at, delivery in enumerate(history.deliveries()):
        was_in = at > 0 and shows(watch, history.versions[at - 1], delivery.involved)
        is_in = shows(watch, history.versions[at], delivery.involved)
        told = watch.judge(delivery)
        if is_in and told is not None:
            assert told is (Told.EVENT if was_in or at == 0 else Told.ENTERED)
        else:
            assert told is (Told.LEFT if was_in and not is_in else None)


@given(histories(), viewers)
def test_who_watches_one_report_is_told_of_no_other(history: History, viewer: Viewer) -> None:
    for delivery in history.deliveries():
        assert Watch(viewer, report_id=OTHER_ID).judge(delivery) is None
        assert Watch(viewer, report_id=REPORT_ID).judge(delivery) == Watch(viewer).judge(delivery)


@given(reports(REPORT_ID))
def test_a_watcher_with_every_right_is_told_all_in_full(report: Report) -> None:
    """So that nothing above holds for want of anything told."""
    open_to_all = [replace(report, visibility=Visibility.PUBLIC, version=version) for version in (1, 2)]
    nobody = [frozenset[str]()] * 2
    for viewer, versions in ((ANONYMOUS, open_to_all), (ADMIN, [report, replace(report, version=2)])):
        deliveries = History(versions, nobody, [0, 1]).deliveries()
        watch = Watch(viewer, filter=ReportFilter(statuses=tuple(ReportStatus)))
        assert [watch.judge(delivery) for delivery in deliveries] == [Told.EVENT, Told.EVENT]
