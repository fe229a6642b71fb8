"""Where a page and the events after it meet: the state and its place in the feed, read in one snapshot."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from strawberry.types.nodes import SelectedField, Selection

from geo import positions
from geo.cursor import FeedCursor
from geo.db import Connection
from schema.context import Info
from schema.scalars import Cursor


class Snapshot:
    """The state that the page of a field is read from. Make it before anything is looked up for the page.

    What is behind its `cursor` and nothing else has yet to be told. But positions are given after the commit: a change
    that the page already shows may have none yet, and then it is told once more.
    """

    def __init__(self, info: Info) -> None:
        self._info = info
        self._feed = info.context.services.feed
        self._begun = self._feed.now, self._feed.map_version
        self.cursor: Cursor | None = None  # where the field's `liveCursor` is asked for

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection to read the page."""
        db = self._info.context.db
        if not any(_select(field.selections, "liveCursor") for field in self._info.selected_fields):
            async with db.read() as conn:
                yield conn
            return
        async with db.snapshot() as conn:
            self.cursor = await self._place(conn)
            yield conn

    async def _place(self, conn: Connection) -> Cursor:
        place, map_version = self._begun
        head = await positions.head(conn)
        if head.map_version == map_version:
            place = FeedCursor(head.epoch, head.position)
        # Else the page may be that of an area on the former map, and all that moved since has to be told.
        return Cursor(self._info.context.services.cursors.seal_feed(place))


def _select(selections: Iterable[Selection], name: str) -> bool:
    """Whether a field stands among the selections, directly or in a fragment; also one that a directive leaves out."""
    return any(
        selection.name == name if isinstance(selection, SelectedField) else _select(selection.selections, name)
        for selection in selections
    )
