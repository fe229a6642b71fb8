"""Migrations describe the tables of the code, and any number of processes may start at once."""

import subprocess
import sys

import psycopg

from api import migrate
from api.settings import ROOT
from geo.tables import metadata
from tests.conftest import execute, named

UPGRADE = "import sys; from api import migrate; migrate.upgrade(sys.argv[1])"


def test_tables_and_migrations_do_not_drift(database_url: str) -> None:
    migrate.check(database_url)


def test_processes_that_start_at_once_migrate_once(server_url: str, template: str) -> None:
    database = f"{template}_together"
    execute(server_url, f"CREATE DATABASE {database}")
    try:
        url = named(server_url, database)
        running = [subprocess.Popen([sys.executable, "-c", UPGRADE, url], cwd=ROOT) for _ in range(3)]
        assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
        with psycopg.connect(url) as conn:
            found = {name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        assert set(metadata.tables) <= found
    finally:
        execute(server_url, f"DROP DATABASE {database} WITH (FORCE)")


def test_no_commit_waits_for_a_notification_of_procrastinate(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE '%notify_queue_job_inserted%'").fetchall()
    assert rows == [], "NOTIFY inside a writing transaction serialises all commits"
