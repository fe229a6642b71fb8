"""Alembic's environment: one advisory lock and a short lock timeout, so that a migration is safe on a live table."""

import time

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, create_engine, make_url, pool, text

from geo.tables import metadata

LOCK = 0x42415254  # "BART": one migration at a time, whichever process starts it


def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Only our own tables: PostGIS and procrastinate bring others."""
    return kind != "table" or name in metadata.tables


def run(connection: Connection) -> None:
    # Asked again and again: an index that is made concurrently would wait for whoever waits within a statement.
    while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}).scalar_one():
        connection.commit()
        time.sleep(0.2)
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text("SET statement_timeout = '15min'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        include_object=alembic_helpers.include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        transaction_per_migration=True,
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()


url = make_url(context.config.get_main_option("sqlalchemy.url") or "").set(drivername="postgresql+psycopg")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    run(connection)
