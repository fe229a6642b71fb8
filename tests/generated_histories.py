"""Random histories: what residents, authorities and apps do to reports and alerts, one thing after another, by the API.

Some of it is refused: by a right, or because the state does not allow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from geo.db import Database
from geo.models import HiddenReason, Point, ReportStatus, Role, Severity, Verdict, Visibility
from geo.usecases.notify import notify
from geo.viewer import ANONYMOUS, Viewer
from tests.clients.caller import Caller, Json
from tests.clients.photos import upload
from tests.world import ADMIN, CITY, ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT

APP = Viewer(Role.APP, "buurtapp/app", "buurtapp")
FOR_ANNA = Viewer(Role.APP, "buurtapp/anna", "buurtapp")  # the same app, for one of its residents
FAR = Viewer(Role.OFFICER, "ver/desk", "ver", frozenset({"GM0363"}))
PARTNER = Viewer(Role.PARTNER, "partner/sweeper", "partner", frozenset({CITY}))
EVERYBODY = (ANONYMOUS, RESIDENT, NEIGHBOUR, FOR_ANNA, PARTNER, OFFICER, FAR, POLICE, ADMIN)

CORNER = Point(4.30, 52.065)  # on the border of two districts
WEST = Point(4.285, 52.065)
PLACES = (INSIDE, ELSEWHERE, CORNER, WEST)
AREAS: tuple[Json, ...] = (
    {"code": CITY},
    {"code": "SD-zuid"},
    {"code": "WK051829"},
    {"code": "WK051801"},
    {"code": "BU05182902"},
    {"bbox": {"west": 4.28, "south": 52.06, "east": 4.3, "north": 52.08}},
    {"bbox": {"west": 4.295, "south": 52.065, "east": 4.296, "north": 52.066}},
    {"polygon": {"type": "Polygon", "coordinates": [[[4.29, 52.06], [4.32, 52.06], [4.32, 52.08], [4.29, 52.06]]]}},
    {"around": {"point": INSIDE._asdict(), "metres": 700}},
)
FILTERS: tuple[Json | None, ...] = (
    None,
    None,
    {"statuses": ["REPORTED", "ROUTED", "MERGED"]},
    {"statuses": ["UNDER_WAY", "RESOLVED"]},
    {"categories": ["afval"]},
    {"urgencies": ["URGENT"]},
    {"text": "scherven"},
)
_numbers = count(1)


@dataclass(frozen=True)
class Step:
    """One attempt to change something. What it is about is a number, counted round."""

    by: Viewer
    name: str
    given: Json = field(default_factory=dict)
    number: int = 0


@dataclass
class History:
    """What there is by now, by id."""

    db: Database
    callers: Mapping[Viewer, Caller]
    reports: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    messages: list[Json] = field(default_factory=list)

    async def take(self, step: Step) -> None:
        if step.name == "notify":
            while await notify(self.db, None):
                pass
            return
        caller = self.callers[step.by]
        if step.name == "completeAdoption":
            step.given["uploadId"] = await upload(caller)
        about = self._about(step)
        if about is None:  # there is none yet
            return
        answer = await caller.attempt(step.name, MADE.get(step.name, ""), **{**step.given, **about})
        self.remember(step.name, answer)

    def _about(self, step: Step) -> Json | None:
        n = step.number
        match step.name:
            case "submitReport" | "publishAlert":
                return {}
            case "registerMessage":
                return {**MESSAGE, "externalId": f"post-{next(_numbers)}", "consent": _consent()}
            case "updateAlert" | "withdrawAlert" | "answerAlert":
                return (self.alerts and {"alertId": self.alerts[n % len(self.alerts)]}) or None
            case "decideCorrection":
                return (self.evidence and {"evidenceId": self.evidence[n % len(self.evidence)]}) or None
            case "hideContent" | "showContent" if n % 2 and self.evidence:
                return {"evidenceId": self.evidence[n % len(self.evidence)]}
            case "mergeReports":
                return {"duplicateId": self._report(n), "intoId": self._report(n // 8)}
            case "withdrawConsent":
                return {}
            case "follow":
                return {"target": {"reportId": self._report(n)}}
        return {"reportId": self._report(n)}

    def _report(self, number: int) -> str:
        return self.reports[number % len(self.reports)]

    def remember(self, name: str, answer: Json) -> None:
        if name == "submitReport" and "reportId" in answer:
            self.reports.append(answer["reportId"])
        elif answer.get("event"):
            self.reports.append(answer["event"]["reportId"])
        elif name == "addEvidence" and answer.get("evidence"):
            self.evidence.append(answer["evidence"]["id"])
        elif name == "publishAlert" and "alertId" in answer:
            self.alerts.append(answer["alertId"])


MESSAGE: Json = {"source": "buurtapp", "author": "anna", "location": INSIDE._asdict(), "category": "glas"}
MADE = {
    "submitReport": "... on ReportEvent { reportId }",
    "addEvidence": "... on EvidenceAdded { evidence { id } }",
    "publishAlert": "... on AlertEvent { alertId }",
    "registerMessage": "... on MessageRegistered { event { reportId } }",
}


def _consent() -> Json:
    return {"givenAt": datetime.now(UTC).isoformat(), "purposes": ["REGISTER"], "textVersion": "1"}


def _ahead(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def _steps(name: str, by: st.SearchStrategy[Viewer], /, **given: Any) -> st.SearchStrategy[Step]:
    return st.builds(Step, by, st.just(name), st.fixed_dictionaries(given), st.integers(0, 63))


residents = st.sampled_from([RESIDENT, NEIGHBOUR, FOR_ANNA])
authorities = st.sampled_from([OFFICER, OFFICER, POLICE, ADMIN])
people = residents | authorities | st.just(PARTNER)
areas = st.sampled_from(AREAS)
filters = st.sampled_from(FILTERS)
places = st.sampled_from(PLACES).map(Point._asdict)
categories = st.sampled_from(["glas", "glas", "verlichting", "hulp", "overlast", "drugs"])
texts = st.sampled_from(["Scherven rond de glasbak", "Het is hier niet pluis", "Bel me op 06-12345678"])

submissions = _steps(
    "submitReport",
    st.sampled_from([RESIDENT, NEIGHBOUR, FOR_ANNA, OFFICER]),
    location=places,
    category=categories,
    description=texts,
    confirmNew=st.just(True),
    maskPersonalData=st.just(True),
    contact=st.sampled_from([None, {"name": "Anna", "email": "anna@example.org"}]),
)
corrections = st.fixed_dictionaries({}, optional={"location": places, "category": categories}).filter(bool)
CHANGES: tuple[st.SearchStrategy[Step], ...] = (
    submissions,
    _steps("addEvidence", people, remark=texts, maskPersonalData=st.just(True)),
    _steps("addEvidence", residents, correction=corrections),
    _steps("addEvidence", people, measurement=st.just({"quantity": "geluid", "value": 71, "unit": "dB(A)"})),
    _steps("confirmReport", residents, verdict=st.sampled_from(Verdict)),
    _steps(
        "changeStatus",
        authorities | st.just(PARTNER),
        to=st.sampled_from(ReportStatus),
        remark=st.none() | texts,
        maskPersonalData=st.just(True),
    ),
    _steps("changeStatus", authorities, to=st.sampled_from([ReportStatus.RESOLVED, ReportStatus.UNDER_WAY])),
    _steps("changeVisibility", authorities, to=st.sampled_from(Visibility)),
    _steps("changeVisibility", st.just(POLICE), to=st.sampled_from([Visibility.INVOLVED, Visibility.PUBLIC])),
    _steps("decideCorrection", authorities, accept=st.sampled_from([True, True, False])),
    _steps("hideContent", authorities, reason=st.sampled_from([HiddenReason.PRIVACY])),
    _steps("showContent", authorities),
    _steps("mergeReports", authorities),
    _steps("undoMerge", authorities),
    _steps("adoptReport", residents, until=st.just(_ahead(days=1))),
    _steps("releaseReport", residents),
    _steps("completeAdoption", residents),
    _steps("thankAdopter", residents),
    _steps(
        "rateResolution", residents, solved=st.booleans(), score=st.sampled_from([None, 1, 5]), why=st.none() | texts
    ),
    _steps("follow", residents),
    _steps("registerMessage", st.just(APP), text=texts, confirmNew=st.booleans()),
    _steps("withdrawConsent", st.just(APP), author=st.just("anna")),
    _steps("eraseContribution", residents),
    _steps("changeStatus", authorities, to=st.just(ReportStatus.RESOLVED)),
)
desks = st.sampled_from([OFFICER, POLICE])
publications = _steps(
    "publishAlert",
    desks,
    area=areas,
    severity=st.sampled_from(Severity),
    text=texts,
    validUntil=st.just(_ahead(days=1)),
)
ALERT_CHANGES = (
    publications,
    _steps("updateAlert", desks, text=texts),
    _steps("withdrawAlert", desks),
    _steps("answerAlert", residents, text=texts),
)
NOTIFY = Step(ADMIN, "notify")


def _any_of(kinds: tuple[st.SearchStrategy[Step], ...], size: int) -> st.SearchStrategy[list[Step]]:
    return st.lists(st.sampled_from(kinds).flatmap(lambda steps: steps), min_size=size, max_size=size)


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Changes of reports and of alerts, of which the concerned are notified now and then."""
    steps = [*draw(_any_of(CHANGES, 9)), *draw(_any_of(ALERT_CHANGES, 2)), NOTIFY]
    return [draw(publications), *draw(st.permutations(steps)), NOTIFY]
