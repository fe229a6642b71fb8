"""Pages, the same everywhere: `first`, `after`, Relay's PageInfo."""

from typing import Annotated

import strawberry
from strawberry.relay import PageInfo

from geo.errors import InvalidPageSize

MAX_FIRST = 200
DEFAULT_FIRST = 50

First = Annotated[int, strawberry.argument(description=f"How many at most: 1 to {MAX_FIRST}.")]
After = Annotated[
    str | None,
    strawberry.argument(description="Continue behind this cursor: the `endCursor` of the page before."),
]


def check_first(first: int, most: int = MAX_FIRST) -> int:
    """The page size; raises `InvalidPageSize`."""
    if not 1 <= first <= most:
        raise InvalidPageSize(f"first: {first} is out of range.", path=("first",), hint=f"1 to {most}.")
    return first


def page_info(cursors: list[str], *, more: bool, after: str | None) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
