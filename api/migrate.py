"""Migrations from code: upgrade to the newest, check for drift, write a new one."""

from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).resolve().parent.parent


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(ROOT / "migrations"))
    made.set_main_option("prepend_sys_path", str(ROOT))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s")
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def upgrade(url: str) -> None:
    """Bring the database to the newest version; safe to run from several processes at once."""
    command.upgrade(config(url), "head")


def check(url: str) -> None:
    """Raise when geo/tables.py and migrations/ describe different tables."""
    command.check(config(url))


def revision(url: str, message: str) -> None:
    """Write a new migration from the difference between geo/tables.py and the database."""
    command.revision(config(url), message, autogenerate=True)
