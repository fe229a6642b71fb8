"""Random callers, and random reports for them to see or not."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import strategies as st

from geo.models import Place, Point, Report, ReportStatus, Role, Urgency, Visibility
from geo.viewer import Viewer
from tests.world import ELSEWHERE, INSIDE

PARTIES = ("residents/anna", "residents/bram", "lights/team", "municipality/desk")
PLACES = (
    Place("BU05182901", "WK051829", "SD-zuid", "GM0518"),
    Place(None, "WK051801", None, "GM0518"),
    Place(None, "WK051802", "SD-zuid", "GM0518"),
    Place("BU03630101", "WK036301", None, "GM0363"),
)
CODES = sorted({code for place in PLACES for code in place.codes})
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

parties = st.frozensets(st.sampled_from(PARTIES), max_size=2)
viewers = st.builds(
    Viewer,
    role=st.sampled_from(Role),
    party=st.none() | st.sampled_from(PARTIES),
    areas=st.frozensets(st.sampled_from(CODES), max_size=3),
)


def reports(report_id: UUID, version: int = 1) -> st.SearchStrategy[Report]:
    """A report as it may stand at a version; two of them differ in all that an event can change."""
    return st.builds(
        Report,
        id=st.just(report_id),
        number=st.just("000000000"),
        category=st.sampled_from(["glas", "verlichting"]),
        status=st.sampled_from(ReportStatus),
        urgency=st.sampled_from(Urgency),
        visibility=st.sampled_from(Visibility),
        description=st.just("Glas rond de glasbak"),  # it never changes
        location=st.sampled_from([INSIDE, ELSEWHERE, Point(4.285, 52.065)]),
        place=st.sampled_from(PLACES),
        submitted_at=st.just(NOON),
        updated_at=st.just(NOON),
        resolved_at=st.none(),
        due_at=st.none(),
        confirmations=st.just(0),
        last_confirmed_at=st.none(),
        version=st.just(version),
    )
