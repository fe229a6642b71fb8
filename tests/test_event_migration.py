"""The event log becomes partitioned, and plain again, under a writer at work: nobody is refused, and no row is lost."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from alembic import command
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from api import migrate
from geo.db import Database, engine
from geo.partitions import month_of
from geo.usecases.keep_events import keep_events
from tests.conftest import execute, named

PLAIN, PARTITIONED = "20261124_revocation", "20261124_event_partitions"
EVENT = """
    INSERT INTO event (id, kind, actor, at, visibility, detail)
    VALUES (%s, 'NOTIFIED', 'SYSTEM', now(), 'INVOLVED', '{}')
"""
NOTIFICATION = "INSERT INTO notification (id, party, event_id, notice_id, at) VALUES (%s, %s, %s, %s, now())"
REFERENCES = """
    SELECT count(*) FROM pg_constraint WHERE confrelid = 'event'::regclass AND convalidated AND conparentid = 0
"""

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


class Writer(threading.Thread):
    """Appends events, each with a notification, until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._stopping = threading.Event()
        self._went_on = threading.Event()
        self.written: list[UUID] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with closing(psycopg.connect(self._url)) as conn:
                while not self._stopping.is_set():
                    event_id = uuid7()
                    conn.execute(EVENT, [event_id])
                    conn.execute(NOTIFICATION, [uuid7(), str(event_id), event_id, event_id])
                    conn.commit()
                    self.written.append(event_id)
                    self._went_on.set()
        except psycopg.Error as error:
            self.error = error

    def goes_on(self) -> bool:
        """Whether it still writes."""
        self._went_on.clear()
        return self._went_on.wait(timeout=10)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


@contextmanager
def writing(url: str) -> Iterator[Writer]:
    writer = Writer(url)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


@pytest.fixture
def plain_url(server_url: str, template: str) -> Iterator[str]:
    """A database whose event log is one table, with rows."""
    database = f"{template}_plain"
    execute(server_url, f"CREATE DATABASE {database}")
    url = named(server_url, database)
    command.upgrade(migrate.config(url), PLAIN)
    with psycopg.connect(url) as conn:
        conn.cursor().executemany(EVENT, [[uuid7()] for _ in range(1_000)])
    yield url
    execute(server_url, f"DROP DATABASE {database} WITH (FORCE)")


def ids(url: str) -> set[UUID]:
    with psycopg.connect(url) as conn:
        return {event_id for (event_id,) in conn.execute("SELECT id FROM event")}


def test_up_and_down_under_a_writer_at_work(plain_url: str) -> None:
    before, config = ids(plain_url), migrate.config(plain_url)
    with psycopg.connect(plain_url) as conn:
        assert conn.execute(REFERENCES).fetchone() == (3,)
        node = conn.execute("SELECT pg_relation_filenode('event')").fetchone()
    with writing(plain_url) as writer:
        command.upgrade(config, PARTITIONED)
        assert writer.goes_on()
        command.downgrade(config, PLAIN)
    assert writer.error is None
    assert ids(plain_url) == before | {*writer.written}
    with psycopg.connect(plain_url) as conn:
        assert conn.execute(REFERENCES).fetchone() == (3,)
        assert conn.execute("SELECT pg_relation_filenode('event')").fetchone() == node, "no row was copied"


def test_down_from_many_months_and_an_archive(plain_url: str) -> None:
    before, config = ids(plain_url), migrate.config(plain_url)
    command.upgrade(config, PARTITIONED)
    now = datetime.now(UTC)
    more = [uuid7(nanoseconds=int(month_of(now, later).timestamp() * 1e9)) for later in range(2, 30)]
    with psycopg.connect(plain_url) as conn:
        conn.execute("UPDATE event SET position = 1 WHERE id = (SELECT id FROM event ORDER BY id LIMIT 1)")
        conn.execute("DELETE FROM event WHERE position IS NULL")
        conn.execute("UPDATE consumer SET position = 1")
        conn.cursor().executemany(EVENT, [[event_id] for event_id in more])

    async def keep() -> None:
        db = Database(engine(plain_url))
        await keep_events(db, month_of(now, 3), 1)
        await db.engine.dispose()

    kept = ids(plain_url)
    assert len(kept & before) == 1
    asyncio.run(keep())
    assert ids(plain_url) == {*more}, "the first month is in the archive"
    command.downgrade(config, PLAIN)
    assert ids(plain_url) == kept


def test_what_can_not_be_upgraded_stays_as_it_was(plain_url: str) -> None:
    """An event of a clock that is far ahead has no place before the month in which partitions begin."""
    now = datetime.now(UTC)
    ahead = [uuid7(nanoseconds=int(month_of(now, later).timestamp() * 1e9)) for later in (30, 31)]
    with psycopg.connect(plain_url) as conn:
        conn.execute(EVENT, ahead[:1])
    with pytest.raises(IntegrityError, match="event_id_check"):
        command.upgrade(migrate.config(plain_url), PARTITIONED)
    with psycopg.connect(plain_url) as conn:
        conn.execute(EVENT, ahead[1:])
        conn.execute("DELETE FROM event WHERE id = ANY(%s)", [ahead])
    command.upgrade(migrate.config(plain_url), PARTITIONED)


def test_it_waits_for_a_long_reader_without_holding_up_others(plain_url: str) -> None:
    config = migrate.config(plain_url)
    with ThreadPoolExecutor() as pool, writing(plain_url) as writer:
        with psycopg.connect(plain_url) as reader:
            reader.execute("SELECT 1 FROM event LIMIT 1")  # and stays in its transaction
            upgrade = pool.submit(command.upgrade, config, PARTITIONED)
            with psycopg.connect(plain_url, autocommit=True) as looking:
                while looking.execute(WAITING).fetchone() != (1,):
                    assert not upgrade.done()
            assert writer.goes_on()
            assert not upgrade.done()
        upgrade.result(timeout=30)
        assert writer.goes_on()
    assert {*writer.written} <= ids(plain_url)
