"""What a watcher is told of an event: the event, an entry, a departure, or nothing.

A watcher sees the reports that its rights, its area and its filter let through. An event that brings a report in is
told as an entry; one that takes it out as a departure without content, whether a place, a filter or a right took it.
"""

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from uuid import UUID

from geo.deliveries import Delivery
from geo.geometry import Area, CodeArea
from geo.models import EventKind, Facts
from geo.report_pages import ReportFilter
from geo.viewer import Viewer
from geo.visibility import sees

REWORDED = frozenset({EventKind.TEXT_CHANGED, EventKind.CONTENT_HIDDEN, EventKind.CONTENT_SHOWN, EventKind.ERASED})


class Told(Enum):
    EVENT = auto()
    ENTERED = auto()
    LEFT = auto()


@dataclass(frozen=True, slots=True)
class Watch:
    """A viewer's interest: an area with a filter, or one report. It stands for all viewers with the same rights, who
    differ only in what they are involved in."""

    viewer: Viewer
    area: Area | None = None
    filter: ReportFilter = field(default_factory=ReportFilter)
    report_id: UUID | None = None

    def moved(self, area: Area) -> "Watch":
        """The same interest, elsewhere."""
        return replace(self, area=area)

    def judge(self, delivery: Delivery, party: str | None = None) -> Told | None:
        """What this watcher is told, or the one of those it stands for that is this party.

        The report as it is now must still be open to it, or it is told nothing yet: the event that closed it is on its
        way.
        """
        if party is not None:
            return replace(self, viewer=replace(self.viewer, party=party)).judge(delivery)
        event = delivery.event
        if self.report_id is not None and event.report_id != self.report_id:
            return None
        before, after = event.before, event.after
        reworded = event.kind in REWORDED  # what the text was before is not known any more
        was_in = before is not None and self._lets_through(before, delivery, any_text=reworded)
        if event.kind is EventKind.REPORT_MERGED and before is not None and was_in:
            after = replace(after, status=before.status)  # whoever has it is told where it went
        if after is before and not reworded:
            is_in = was_in
        else:
            is_in = self._lets_through(after, delivery, any_text=event.kind is EventKind.ERASED and was_in)
        if not is_in:
            return Told.LEFT if was_in else None
        report = delivery.report
        if not sees(self.viewer, report.visibility, report.place.codes, delivery.involved):
            return None
        return Told.EVENT if was_in or event.kind is EventKind.REPORT_SUBMITTED else Told.ENTERED

    def _lets_through(self, facts: Facts, of: Delivery, *, any_text: bool = False) -> bool:
        wanted = replace(self.filter, text=None) if any_text and self.filter.text else self.filter
        passes = wanted.accepts(facts, of.report.description)
        return passes and self._covers(facts) and sees(self.viewer, facts.visibility, facts.codes, of.involved)

    def _covers(self, facts: Facts) -> bool:
        match self.area:
            case None:
                return True
            case CodeArea(codes=codes):
                return not set(codes).isdisjoint(facts.codes)
            case shape:
                return shape.covers(facts.location)
