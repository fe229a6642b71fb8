"""Background work, by procrastinate: its jobs stand in our database and join our transactions."""

from datetime import UTC, datetime, timedelta

import procrastinate
from procrastinate import PsycopgConnector

from api.mail_jobs import add_mail_jobs
from api.mails import Mails
from geo import idempotency, messages, uploads
from geo.categories import Categories
from geo.db import Database
from geo.photos import PhotoStore
from geo.statuses import Statuses
from geo.usecases.keep_time import keep_time

FORGOTTEN_AFTER = timedelta(hours=24)
UNANSWERED_AFTER = timedelta(days=30)


def make_worker(database_url: str, db: Database, photos: PhotoStore, mails: Mails | None = None) -> procrastinate.App:
    """The jobs, bound to what they need; without those that mail where no mail is sent."""
    jobs = procrastinate.App(connector=PsycopgConnector(conninfo=database_url, min_size=1, max_size=4))
    categories, statuses = Categories(db), Statuses(db)
    if mails is not None:
        add_mail_jobs(jobs, db, mails)

    @jobs.periodic(cron="7 * * * *")
    @jobs.task(name="purge_uploads", queueing_lock="purge_uploads", pass_context=False)
    async def purge_uploads(timestamp: int) -> None:
        """Forget photos that nobody made evidence of."""
        async with db.write() as conn:
            forgotten = await uploads.purge(conn, datetime.now(UTC) - FORGOTTEN_AFTER)
        for upload_id in forgotten:
            await photos.delete(upload_id)

    @jobs.periodic(cron="41 3 * * *")
    @jobs.task(name="purge_messages", queueing_lock="purge_messages", pass_context=False)
    async def purge_messages(timestamp: int) -> None:
        """Forget messages whose question nobody answered."""
        async with db.write() as conn:
            await messages.purge(conn, datetime.now(UTC) - UNANSWERED_AFTER)

    @jobs.periodic(cron="* * * * *")
    @jobs.task(name="keep_time", queueing_lock="keep_time", pass_context=False)
    async def keep_time_job(timestamp: int) -> None:
        """Lapse, escalate and close what is due."""
        await keep_time(db, categories, statuses, datetime.now(UTC))

    @jobs.periodic(cron="23 3 * * *")
    @jobs.task(name="purge_idempotency_keys", queueing_lock="purge_idempotency_keys", pass_context=False)
    async def purge_idempotency_keys(timestamp: int) -> None:
        """Forget keys that nobody retries with any more."""
        async with db.write() as conn:
            await idempotency.purge(conn)

    return jobs


async def work(jobs: procrastinate.App, *, forever: bool = True) -> None:
    """Do the jobs as they come, until cancelled (or, not `forever`, until there are none)."""
    async with jobs.open_async():
        await jobs.run_worker_async(
            wait=forever,
            install_signal_handlers=False,
            concurrency=4,
            delete_jobs="successful",
            fetch_job_polling_interval=1.0,
        )
