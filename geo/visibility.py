"""What a viewer may see: one rule, as SQL for reads and as a predicate for events.

- PUBLIC: everybody.
- INVOLVED: the parties involved in the report by more than following it, and the authorities of its territory.
- AUTHORITIES: officers and police of its territory, and admins.
- POLICE: the police of its territory, and admins.

Tests hold the two forms to the same answer.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, FromClause, exists, false, or_, true

from geo.models import Involvement, Place, Role, Visibility
from geo.tables import involvement
from geo.viewer import Viewer

# Whoever follows a report is told of it as long as they may see it; that alone gives no right to see it.
TIED = involvement.c.role != Involvement.FOLLOWER


def levels(viewer: Viewer) -> frozenset[Visibility]:
    """The levels open to this viewer within its own territory."""
    match viewer.role:
        case Role.POLICE | Role.ADMIN:
            return frozenset(Visibility)
        case Role.OFFICER:
            return frozenset(Visibility) - {Visibility.POLICE}
        case _:
            return frozenset({Visibility.PUBLIC})


def visible(viewer: Viewer, report: FromClause, visibility: ColumnElement[str] | None = None) -> ColumnElement[bool]:
    """The rule as SQL over `report` or an alias of it; `visibility` is another column to judge, such as an event's."""
    c = report.c
    level = c.visibility if visibility is None else visibility
    if viewer.role is Role.ADMIN:
        return true()
    ways: list[ColumnElement[bool]] = [level == Visibility.PUBLIC]
    if viewer.is_authority:
        areas = sorted(viewer.areas)
        territory = or_(*(c[kind].in_(areas) for kind in Place.__dataclass_fields__)) if areas else false()
        ways.append(level.in_(sorted(levels(viewer))) & territory)
    if viewer.party:
        own = involvement.c.report_id == c.id, involvement.c.party == viewer.party, TIED
        involved = exists().where(*own).correlate_except(involvement)
        ways.append((level == Visibility.INVOLVED) & involved)
    return or_(*ways)


def sees(viewer: Viewer, visibility: Visibility, codes: tuple[str, ...], involved: Collection[str]) -> bool:
    """The rule as a predicate: over a report's visibility, its area codes, and the parties involved in it."""
    if visibility is Visibility.PUBLIC or viewer.role is Role.ADMIN:
        return True
    if visibility in levels(viewer) and viewer.works_in(codes):
        return True
    return visibility is Visibility.INVOLVED and viewer.party is not None and viewer.party in involved
