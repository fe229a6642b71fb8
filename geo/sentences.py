"""What happened, in one sentence that a resident can read, in Dutch or in English."""

from collections.abc import Mapping

from geo.models import (
    ActorKind,
    AlertEvent,
    AlertEventKind,
    Category,
    Event,
    EventKind,
    EvidenceKind,
    Language,
    ReportStatus,
    Verdict,
)
from geo.notifications import Notification

Said = Mapping[Language, str]


def _said(nl: str, en: str) -> Said:
    return {Language.NL: nl, Language.EN: en}


_SUBJECT = {
    True: _said("Uw melding {number} ({category})", "Your report {number} ({category})"),
    False: _said("Melding {number} ({category})", "Report {number} ({category})"),
}
_STATUSES = {
    ReportStatus.REPORTED: _said("staat weer open", "is open again"),
    ReportStatus.ADOPTED: _said("is opgepakt door een buurtbewoner", "was taken on by a neighbour"),
    ReportStatus.ROUTED: _said("is doorgestuurd naar wie het oplost", "was passed on to who will solve it"),
    ReportStatus.SCHEDULED: _said("is ingepland", "was scheduled"),
    ReportStatus.UNDER_WAY: _said("wordt nu aangepakt", "is being worked on"),
    ReportStatus.ON_HOLD: _said("moet even wachten", "is on hold"),
    ReportStatus.RESOLVED: _said("is opgelost", "is resolved"),
    ReportStatus.REJECTED: _said("wordt niet opgepakt", "will not be taken up"),
    ReportStatus.MERGED: _said("is samengevoegd met een andere melding", "was merged with another report"),
}
_VERDICTS = {
    Verdict.STILL_THERE: _said("is er nog, zegt iemand ter plaatse", "is still there, says somebody on the spot"),
    Verdict.GONE: _said("is er niet meer, zegt iemand ter plaatse", "is gone, says somebody on the spot"),
}
_JUDGEMENTS = {
    True: _said("is echt opgelost, zegt een betrokkene", "is really solved, says one of the involved"),
    False: _said(
        "is niet opgelost, zegt een betrokkene, en staat weer open",
        "is not solved, says one of the involved, and is open again",
    ),
}
_EVIDENCE = {
    EvidenceKind.REMARK: _said("is aangevuld met een opmerking", "has a new remark"),
    EvidenceKind.PHOTO: _said("is aangevuld met een foto", "has a new photo"),
    EvidenceKind.CORRECTION: _said("is aangevuld met een correctie", "has a new correction"),
    EvidenceKind.MEASUREMENT: _said("is aangevuld met een meting", "has a new measurement"),
}
_HAPPENED = {
    EventKind.REPORT_SUBMITTED: _said("is ontvangen", "was received"),
    EventKind.REPORT_MOVED: _said("heeft een andere plek gekregen", "was moved to another place"),
    EventKind.CATEGORY_CHANGED: _said("heeft een ander onderwerp gekregen", "has another category now"),
    EventKind.CORRECTION_DECLINED: _said(
        "blijft zoals het was: een correctie is afgewezen", "stays as it was: a correction was declined"
    ),
    EventKind.TEXT_CHANGED: _said("heeft een andere tekst gekregen", "has another text now"),
    EventKind.CONTENT_HIDDEN: _said("is deels verborgen door een moderator", "was partly hidden by a moderator"),
    EventKind.CONTENT_SHOWN: _said("is weer helemaal te zien", "is shown in full again"),
    EventKind.REPORT_ADOPTED: _STATUSES[ReportStatus.ADOPTED],
    EventKind.ADOPTION_ENDED: _said(
        "is losgelaten door de buurtbewoner en gaat de gewone weg", "was let go by the neighbour and goes the usual way"
    ),
    EventKind.ADOPTION_COMPLETED: _said("is opgelost door een buurtbewoner", "was solved by a neighbour"),
    EventKind.ADOPTER_THANKED: _said("leverde de buurtbewoner een bedankje op", "earned the neighbour a thank you"),
    EventKind.REPORT_ESCALATED: _said("is nog niet op tijd opgelost", "was not resolved in time"),
    EventKind.REPORT_CLOSED: _said("is afgesloten", "is closed"),
    EventKind.REPORT_MERGED: _STATUSES[ReportStatus.MERGED],
    EventKind.DUPLICATE_JOINED: _said("is aangevuld met een dubbele melding", "was joined by a duplicate"),
    EventKind.MERGE_UNDONE: _said("staat weer op zichzelf", "stands on its own again"),
}
_SENDERS = {
    ActorKind.MUNICIPALITY: _said("de gemeente", "the municipality"),
    ActorKind.POLICE: _said("de politie", "the police"),
}
_ALERTED = {
    AlertEventKind.ALERT_PUBLISHED: _said("Waarschuwing van {sender}: {text}", "Alert from {sender}: {text}"),
    AlertEventKind.ALERT_UPDATED: _said(
        "Nieuws over een waarschuwing van {sender}: {text}", "News of an alert from {sender}: {text}"
    ),
    AlertEventKind.ALERT_WITHDRAWN: _said(
        "Een waarschuwing van {sender} is ingetrokken: {text}", "An alert from {sender} was withdrawn: {text}"
    ),
}


def sentence(of: Notification, categories: Mapping[str, Category], language: Language) -> str:
    """Such as: Uw melding 482-915-073 (Gebroken glas) is opgelost. Of an alert, with what it says."""
    if isinstance(of.event, AlertEvent):
        assert of.alert is not None
        return _ALERTED[of.event.kind][language].format(sender=_SENDERS[of.event.actor][language], text=of.alert.text)
    assert of.report is not None
    category = categories[of.report.category]
    name = category.name_nl if language is Language.NL else category.name_en
    subject = _SUBJECT[of.own][language].format(number=of.report.number, category=name)
    return f"{subject} {_predicate(of.event)[language]}."


def _predicate(event: Event) -> Said:
    match event.kind:
        case EventKind.STATUS_CHANGED:
            return _STATUSES[event.after.status]
        case EventKind.REPORT_CONFIRMED:
            return _VERDICTS[event.detail["verdict"]]
        case EventKind.EVIDENCE_ADDED:
            return _EVIDENCE[event.detail.get("kind", EvidenceKind.REMARK)]
        case EventKind.RESOLUTION_RATED:
            return _JUDGEMENTS[event.detail["solved"]]
    return _HAPPENED[event.kind]
