"""A projection makes exactly what executing the operation makes, or leaves it to that."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from graphql import GraphQLField
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely import box
from structlog.testing import capture_logs

from geo.cursor import Cursors, FeedCursor
from geo.models import (
    ActorKind,
    Alert,
    AlertEvent,
    AlertEventKind,
    Borrow,
    Category,
    Event,
    EventKind,
    Facts,
    Place,
    Point,
    Report,
    ReportStatus,
    Urgency,
    Visibility,
)
from geo.viewer import ANONYMOUS
from schema import alert_events, events
from schema.cohorts import Cohort
from schema.context import Context, Services
from schema.events import ReportEntered, ReportLeft
from schema.following import Resync
from schema.listening import Listener
from schema.plans import Plans
from schema.root import make_schema
from schema.scalars import Cursor
from tests.conftest import SECRET
from tests.generated_subscriptions import Subscription, subscriptions

pytestmark = pytest.mark.anyio

SCHEMA = make_schema()
PLANS = Plans(SCHEMA)
GLASS = Category("glas", "afval", "Glas", "Glass", Visibility.PUBLIC, Urgency.NORMAL, 72, active=True)
SWEPT = replace(GLASS, guidance_nl="Veeg het op.", borrow=(Borrow("Veger", "Broom", "Wijkcentrum"),))
LAMPS = replace(GLASS, slug="verlichting", parent_slug=None)
KNOWN = {category.slug: category for category in (SWEPT, LAMPS)}

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PLACE = Place("BU05182902", "WK051829", None, "GM0518")
AT = Point(4.295, 52.065)
SITUATION = ReportStatus.REPORTED, Urgency.NORMAL, Visibility.PUBLIC
REPORT = Report(
    UUID(int=1), "482-915-073", "glas", *SITUATION, "Scherven", AT, PLACE, NOW, NOW, None, None, 0, None, version=1
)
FACTS = Facts("glas", *SITUATION, AT, PLACE.codes, NOW)
EVENT = Event(
    UUID(int=2),
    8,
    REPORT.id,
    1,
    EventKind.REPORT_SUBMITTED,
    ActorKind.RESIDENT,
    NOW,
    before=None,
    after=FACTS,
    detail={},
)


def submitted(**changes: Any) -> object:
    return events.ReportSubmitted(event=EVENT, known=replace(REPORT, **changes))


def asking(selection: str) -> str:
    return f'subscription {{ reportEvents(area: {{code: "GM0518"}}) {{ ... on ReportEvent {{ {selection} }} }} }}'


class Categories:
    """Some that are at hand, or have to be waited for."""

    def __init__(self, *, at_hand: bool = True) -> None:
        self._at_hand = at_hand

    async def all(self) -> Mapping[str, Category]:
        if not self._at_hand:
            await asyncio.sleep(0)
        return KNOWN


def cohort(
    document: str, variables: dict[str, Any] | None = None, name: str | None = None, **categories: bool
) -> Cohort:
    plan = PLANS.find(document, name)
    assert plan is not None
    feed = SimpleNamespace(now=FeedCursor(UUID(int=7), 9))
    services = SimpleNamespace(categories=Categories(**categories), cursors=Cursors(SECRET), feed=feed)
    executor = PLANS.executor(plan, variables or {}, Context(cast("Services", services)))
    assert executor is not None
    return Cohort(None, executor, ANONYMOUS, cast("Listener[Any]", SimpleNamespace(personal=False, counts=False)))


def at_hand(field: GraphQLField) -> bool:
    made: Any = field.extensions["strawberry-definition"]
    takes_info = made.base_resolver is not None and made.base_resolver.info_parameter is not None
    return not takes_info or made.metadata.get("alike") == "memory"


times = st.datetimes(timezones=st.just(UTC))
points = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))
numbers = st.integers(0, 2**31)  # the last is one too many
slugs = st.sampled_from([*KNOWN, *KNOWN, *KNOWN, "gone"])
reports = st.builds(
    Report,
    category=slugs,
    location=points,
    place=st.just(PLACE),
    submitted_at=times,
    resolved_at=st.none() | times,
    confirmations=numbers,
    version=numbers,
)
facts = st.builds(Facts, category=slugs, location=points, submitted_at=times)
ends: Mapping[EventKind, st.SearchStrategy[str]] = {
    EventKind.CATEGORY_CHANGED: slugs,
    EventKind.VISIBILITY_CHANGED: st.sampled_from(Visibility).map(str),
}


@st.composite
def report_events(draw: st.DrawFn) -> object:
    kind = draw(st.sampled_from(EventKind))
    end = ends.get(kind, st.sampled_from(ReportStatus).map(str))
    ids = st.uuids().map(str)
    detail = st.fixed_dictionaries({
        **dict.fromkeys(("from", "to"), end),
        **dict.fromkeys(("into", "duplicate", "other"), ids),
        "remark": st.none() | st.text(),
        "verdict": st.sampled_from(["STILL_THERE", "GONE"]),
        "reason": st.just("PRIVACY"),
        "until": times.map(lambda at: at.isoformat()),
        "ending": st.sampled_from(["RELEASED", "no such thing"]),
        "solved": st.booleans(),
        "score": st.none() | st.integers(1, 5),
    })  # fmt: skip
    event = draw(st.builds(Event, kind=st.just(kind), at=times, version=numbers, after=facts, detail=detail))
    told: Any = draw(st.sampled_from([events.TYPES[kind], events.TYPES[kind], ReportEntered, ReportLeft]))
    return told(event=event, known=None if told is ReportLeft else draw(reports))


alerts = st.builds(
    Alert,
    area=st.just(box(4.28, 52.06, 4.3, 52.08)),
    published_at=times,
    updated_at=times,
    valid_until=times,
    withdrawn_at=st.none() | times,
    version=numbers,
)
kinds_of_alerts = st.sampled_from(AlertEventKind)
alert_changes = st.builds(AlertEvent, kind=kinds_of_alerts, at=times, version=numbers, position=st.integers(0, 99))
resyncs = st.builds(Resync, reason=st.text(), cursor=st.just(Cursor("here")))
TOLD: Mapping[str, st.SearchStrategy[object]] = {
    "reportEvents": report_events() | resyncs,
    "alertEvents": st.builds(
        lambda of, alert: alert_events.TYPES[of.kind](event=of, known=alert), alert_changes, alerts
    )
    | resyncs,
}
root = st.shared(st.sampled_from([*TOLD]))
area = {"area": {"code": "GM0518"}}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    root.flatmap(lambda name: subscriptions(SCHEMA._schema, name, area, at_hand)),
    root.flatmap(lambda name: st.lists(TOLD[name], min_size=4, max_size=6)),
)
async def test_it_makes_what_executing_makes(asked: Subscription, told: list[object]) -> None:
    assume(not asked.plain)
    made = cohort(asked.document, {**asked.variables, "after": None}, asked.operation_name)
    for one in told:
        with capture_logs():  # of errors, at length
            executed = await made._executed(one)
        assert made.at_once(one) == (None if b'"errors":[' in executed else executed)


WRONG = [
    ("report { number description }", {"description": None}),  # null where the schema has none
    ("report { number category { slug } }", {"category": "gone"}),  # an error of a resolver
    ("report { number confirmations }", {"confirmations": 2**31}),  # no Int of GraphQL's
]


@pytest.mark.parametrize(("selection", "wrong"), WRONG)
async def test_what_is_an_error_is_executed_and_named(selection: str, wrong: dict[str, Any]) -> None:
    made = cohort(asking(f"version {selection}"))
    assert made.at_once(submitted()) is not None
    told = submitted(**wrong)
    assert made.at_once(told) is None
    payload = await made.payload(told)
    assert payload is not None
    answer = json.loads(payload)
    assert answer["data"] == {"reportEvents": {"version": 1, "report": None}}
    (error,) = answer["errors"]
    assert error["path"][:2] == ["reportEvents", "report"]
    assert error["extensions"]["code"]
    assert error["extensions"]["hint"]


async def test_what_has_to_be_waited_for_is_executed() -> None:
    selection = "... on ReportSubmitted { category { slug } }"  # which may be null, but is not
    at_once = cohort(asking(selection)).at_once(submitted())
    assert at_once == b'{"data":{"reportEvents":{"category":{"slug":"glas"}}}}'
    waiting = cohort(asking(selection), at_hand=False)
    assert waiting.at_once(submitted()) is None
    assert await waiting.payload(submitted()) == at_once


def test_arguments_and_directives_are_heeded() -> None:
    names = "name(lang: $lang) dutch: name english: name(lang: EN) borrow { what(lang: $lang) }"
    document = asking(f"report {{ category {{ {names} slug @include(if: $with) parent @skip(if: $with) }} }}")
    document = document.replace("subscription", "subscription Watch($lang: Language!, $with: Boolean = false)")
    english = cohort(document, {"lang": "EN", "with": True}).at_once(submitted())
    dutch = cohort(document, {"lang": "NL"}).at_once(submitted())
    assert [json.loads(made or b"")["data"]["reportEvents"]["report"]["category"] for made in (english, dutch)] == [
        {"name": "Glass", "dutch": "Glas", "english": "Glass", "borrow": [{"what": "Broom"}], "slug": "glas"},
        {"name": "Glas", "dutch": "Glas", "english": "Glass", "borrow": [{"what": "Veger"}], "parent": "afval"},
    ]


async def test_what_differs_or_is_read_is_executed() -> None:
    for selection in ("report { original }", "report { district { name } }"):
        assert cohort(asking(selection)).at_once(submitted()) is None
