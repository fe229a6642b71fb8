"""What a run came to: a table for people, lines of JSON for machines."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tests.chaos.act import Outcome
from tests.chaos.checker import Rule

HEADINGS = "events", "mutations", "deliveries", *Rule, "reconnected", "seconds"


def figures(outcome: Outcome) -> list[int]:
    """Those of a row, in the order of `HEADINGS`."""
    wrong = [outcome.count(rule) for rule in Rule]
    return [
        outcome.events,
        outcome.mutations,
        outcome.deliveries,
        *wrong,
        outcome.closings.total(),
        round(outcome.seconds),
    ]


def table(outcomes: Sequence[Outcome]) -> Table:
    made = Table("fault", box=SIMPLE_HEAD, padding=(0, 1), show_footer=True)
    rows = [figures(outcome) for outcome in outcomes]
    made.columns[0].footer = "all"
    for heading, *column in zip(HEADINGS, *rows, strict=True):
        made.add_column(heading, justify="right", footer=f"{sum(column):,}")
    for outcome, row in zip(outcomes, rows, strict=True):
        made.add_row(outcome.fault, *(f"{figure:,}" for figure in row))
    return made


def write(outcomes: Iterable[Outcome], file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as lines:
        for outcome in outcomes:
            line = {"fault": outcome.fault, **dict(zip(HEADINGS, figures(outcome), strict=True))}
            more = {
                "watchers": outcome.watchers,
                "coalesced": outcome.coalesced,
                "closings": outcome.closings,
                "errors": outcome.errors,
                "findings": [f._asdict() for f in outcome.findings],
            }
            lines.write(orjson.dumps(line | more, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS))
