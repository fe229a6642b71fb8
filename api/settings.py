"""The settings, all of them: the only place that reads the environment. docs/settings.md is made from here."""

import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.cluster import default_data_dir
from geo.usecases.keep_events import FEED_MONTHS

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Each is an environment variable with BART_ before its name."""

    model_config = SettingsConfigDict(env_prefix="BART_", extra="forbid")

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    public_url: str = Field("", description="How others reach this server; `http://HOST:PORT` when empty.")
    data_dir: Path = Field(
        default_factory=lambda: default_data_dir(ROOT),
        description="The folder of the private cluster, the photos and the secret key. By default `.data` in the "
        "checkout, for root a folder below `/var/lib/bart`.",
    )
    database_url: str = Field(
        "",
        description="A server with PostGIS, such as `postgresql://user@host/bart`; a private one when empty.",
    )
    replica_urls: Annotated[list[str], NoDecode] = Field(
        [],
        description="Streaming replicas of that server, which queries are sent to while they keep up; as URLs like its "
        "own, separated by commas.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs tokens and links and encrypts cursors; 32 characters or more, the same on every server. "
        "Made and kept in the data folder when empty, which needs the private cluster.",
    )
    storage_url: str = Field(
        "", description="Where photos are kept: `file:///…` or `s3://…`; the data folder when empty."
    )
    broadcast_url: str = Field(
        "", description="What carries hints between processes: `memory://`, `redis://…`, or PostgreSQL when empty."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server: `smtp://user:password@host:port`, or `smtps://…`. No mail is sent when empty.",
    )
    mail_from: str = Field("", description="Whom mail is from, such as `BART <noreply@example.org>`.")
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Other origins whose pages may call this server, separated by commas; `*` for all."
    )
    geocoder_url: str = Field(
        "",
        description="A PDOK Locatieserver that looks up places written in words, such as "
        "`https://api.pdok.nl/bzk/locatieserver`; none when empty, and then apps ask their residents.",
    )
    rate_limit: int = Field(600, ge=1, description="Requests a minute for each caller, in each process.")
    statement_timeout: float = Field(10.0, gt=0, description="Seconds after which PostgreSQL cancels a statement.")
    pool_size: int = Field(20, ge=5, description="Connections to PostgreSQL in each process.")
    poll_interval: float = Field(0.5, gt=0, description="Seconds between looks at the feed when no hint comes.")
    feed_months: int = Field(
        FEED_MONTHS,
        ge=1,
        le=120,
        description="Months for which clients can resume, and notifications are kept; older events are archived.",
    )
    max_sockets: int = Field(20_000, ge=1, description="WebSockets at a time in each process.")
    fan_out: bool = Field(
        True,
        description="Serve subscriptions that are told the same together; false gives each a generator of its own, for "
        "comparison.",
    )
    run_worker: bool = Field(
        True, description="Do the background work in the server too; false beside `worker` processes."
    )
    workers: int = Field(1, ge=1, description="Server processes that share the port.")
    log_json: bool = Field(True, description="Logs as JSON lines; false for reading them in a terminal.")

    @field_validator("allowed_origins", "replica_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip().rstrip("/") for part in value.split(",") if part.strip()]

    @field_validator("replica_urls")
    @classmethod
    def _known(cls, urls: list[str]) -> list[str]:
        if not all(url.startswith(("postgresql://", "postgres://")) for url in urls):
            raise ValueError("each is like postgresql://user@host/bart")
        return urls

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def storage(self) -> str:
        return self.storage_url or (self.data_dir / "photos").absolute().as_uri()

    def key(self) -> str:
        """The secret key: the one set, or the one kept in the data folder, made at first use."""
        if given := self.secret_key.get_secret_value():
            if len(given) < 32:
                raise SystemExit("BART_SECRET_KEY is too short: give 32 characters or more.")
            return given
        if self.database_url:
            raise SystemExit(
                "BART_DATABASE_URL needs BART_SECRET_KEY, the same on every server that uses the database."
            )
        self.data_dir.mkdir(parents=True, exist_ok=True)
        file = self.data_dir / "secret_key"
        if not file.exists():
            with tempfile.NamedTemporaryFile("w", dir=self.data_dir) as made, suppress(FileExistsError):
                made.write(secrets.token_urlsafe(48))
                made.flush()
                file.hardlink_to(made.name)  # whole or not at all, and never over another process's
        return file.read_text()


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in ("", [], SecretStr("")) else f"`{field.default}`"
        rows.append(f"| `BART_{name.upper()}` | {field.description} | {default} |")
    return "\n".join(rows) + "\n"
