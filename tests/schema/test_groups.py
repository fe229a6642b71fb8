"""Groups of subscriptions: one that nobody is in is told of nothing, whenever its last member left."""

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from geo.geometry import Box, CodeArea
from geo.models import AreaKind
from schema.cohorts import Cohort
from schema.groups import Group, Groups, Member, Sink
from schema.listening import ALERTS, Listener

NOBODY = cast("Sink", None)


def joined(groups: Groups, about: object) -> tuple[Group, Member]:
    cohort = cast("Cohort", Mock(key="cohort"))
    listener = cast("Listener[Any]", SimpleNamespace(about=about))
    group = groups.add("group", cohort, listener, 1)
    member = Member(NOBODY, b"", group, None)
    group.members[member] = None
    return group, member


@pytest.mark.parametrize("about", [CodeArea(AreaKind.DISTRICT, ("WK051801",)), Box(4.2, 52.0, 4.3, 52.1), ALERTS])
def test_the_last_one_leaves_while_the_area_is_looked_up_on_a_new_map(about: object) -> None:
    groups = Groups()
    group, member = joined(groups, about)
    group.recent["event", 1] = b"{}"
    groups.leave(member)
    groups.moved(group, 2)
    assert len(groups) == 0
    assert len(groups._areas) == 0
    assert not groups._topics
    assert not group.recent


def test_who_stays_is_found_where_the_area_lies_now() -> None:
    groups = Groups()
    group, _ = joined(groups, ALERTS)
    cast("Any", group.listener).about = "somebody"
    groups.moved(group, 2)
    assert [*groups._topics] == ["somebody"]
