"""Background work, by procrastinate: its jobs stand in our database and join our transactions."""

import asyncio
from datetime import UTC, datetime, timedelta

import procrastinate
import structlog
from procrastinate import PsycopgConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from api.mail_jobs import MAIL, add_mail_jobs
from api.mails import Mails
from geo import idempotency, messages, revocations, uploads
from geo.categories import Categories
from geo.db import Database
from geo.photos import PhotoStore
from geo.statuses import Statuses
from geo.usecases.keep_events import FEED_MONTHS, keep_events
from geo.usecases.keep_time import keep_time

FORGOTTEN_AFTER = timedelta(hours=24)
UNANSWERED_AFTER = timedelta(days=30)
QUEUES = ("default", MAIL)  # each has a worker of its own: no mail server holds up what keeps time
SILENT_SECONDS = 120  # whoever does jobs tells every 10 seconds that it lives
RESTART_SECONDS = 1
log = structlog.get_logger()


def make_worker(
    database_url: str, db: Database, photos: PhotoStore, mails: Mails | None = None, feed_months: int = FEED_MONTHS
) -> procrastinate.App:
    """The jobs, bound to what they need; without those that mail where no mail is sent."""
    # Whoever waits longer than `timeout` for a connection gives up: the sooner all is begun anew behind an outage.
    connector = PsycopgConnector(conninfo=database_url, min_size=1, max_size=4, timeout=5.0)
    jobs = procrastinate.App(connector=connector)
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

    @jobs.periodic(cron="11 3 * * *")
    @jobs.task(name="purge_revocations", queueing_lock="purge_revocations", pass_context=False)
    async def purge_revocations(timestamp: int) -> None:
        """Forget the revocations of tokens that have expired by themselves."""
        async with db.write() as conn:
            await revocations.purge(conn)

    # As often as procrastinate makes up for what was due before it began: so also whenever a worker begins.
    @jobs.periodic(cron="*/10 * * * *")
    @jobs.task(name="keep_events", queueing_lock="keep_events", pass_context=False)
    async def keep_events_job(timestamp: int) -> None:
        """Make the months of the event log, and archive them."""
        await keep_events(db, datetime.now(UTC), feed_months)

    @jobs.periodic(cron="* * * * *")
    @jobs.task(name="put_back", queueing_lock="put_back", pass_context=False)
    async def put_back(timestamp: int) -> None:
        """Have jobs done again that nobody does any more."""
        await _put_back(jobs)

    return jobs


async def _put_back(jobs: procrastinate.App) -> None:
    """Have the jobs done again whose worker was killed, or was cut off from the database, while it did them."""
    manager = jobs.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
        try:
            await manager.retry_job(job)
        except UniqueViolation:  # the same is waiting already
            await manager.finish_job(job, Status.ABORTED, delete_job=True)


async def work(jobs: procrastinate.App, *, forever: bool = True) -> None:
    """Do the jobs as they come, until cancelled (or, not `forever`, until there are none)."""
    if not forever:
        await _work(jobs, wait=False)
        return
    while True:
        error = None
        try:
            await _work(jobs, wait=True)
        except Exception as failed:
            error = type(failed).__name__
        # Procrastinate stops, by itself, where the connection that it listens on fails; it has logged why.
        log.warning("worker_stopped", error=error)
        await asyncio.sleep(RESTART_SECONDS)


async def _work(jobs: procrastinate.App, *, wait: bool) -> None:
    """A worker for each queue, until one stops; not `wait`ing, until all jobs are done."""
    async with jobs.open_async():
        workers = [asyncio.create_task(_work_at(jobs, queue, wait=wait)) for queue in QUEUES]
        try:
            until = asyncio.FIRST_COMPLETED if wait else asyncio.FIRST_EXCEPTION
            ended, _ = await asyncio.wait(workers, return_when=until)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
    for worker in ended:
        worker.result()


async def _work_at(jobs: procrastinate.App, queue: str, *, wait: bool) -> None:
    await jobs.run_worker_async(
        queues=[queue],
        wait=wait,
        install_signal_handlers=False,
        concurrency=4,
        delete_jobs="successful",
        fetch_job_polling_interval=1.0,
        shutdown_graceful_timeout=4,
    )
