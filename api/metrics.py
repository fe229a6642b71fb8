"""What Prometheus may know: requests by operation name, sockets, and how far the outbox lags."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from strawberry.extensions.base_extension import SchemaExtension

from geo import positions
from geo.db import Database
from geo.feed import Feed
from schema.hub import Hub

MAX_NAMES, MAX_LENGTH = 200, 80  # operation names come from callers; the rest is counted as "other"


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.operations = Counter(
            "bart_operations", "GraphQL operations", ["operation", "outcome"], registry=self.registry
        )
        self.seconds = Histogram(
            "bart_operation_seconds", "Time to answer an operation", ["operation"], registry=self.registry
        )
        self.sockets = Gauge("bart_sockets", "Open WebSockets", registry=self.registry)
        self._unplaced = Gauge("bart_outbox_unplaced", "Committed events without a place", registry=self.registry)
        self._oldest = Gauge("bart_outbox_lag_seconds", "Age of the oldest of those", registry=self.registry)
        self._behind = Gauge("bart_feed_behind", "Placed events not yet seen here", registry=self.registry)
        self._reads = Counter("bart_reads", "Reads, while there are replicas", ["at"], registry=self.registry)
        self._left_out = Gauge("bart_replicas_left_out", "Replicas that are not used now", registry=self.registry)
        self._names: set[str] = set()

    def name(self, operation: str | None) -> str:
        if operation is None:
            return "anonymous"
        if operation not in self._names:
            if len(self._names) >= MAX_NAMES or len(operation) > MAX_LENGTH:
                return "other"
            self._names.add(operation)
        return operation

    def follow(self, hub: Hub) -> None:
        """Tell how many subscriptions the hub tells, and how many it can treat as one."""
        for name, meaning, count in (
            ("subscriptions", "Subscriptions that share their events", lambda: hub.groups.members),
            ("subscription_groups", "Groups of them that are told of the same events", lambda: len(hub.groups)),
        ):
            Gauge(f"bart_{name}", meaning, registry=self.registry).set_function(count)

    def count_read(self, at_replica: bool) -> None:
        self._reads.labels("replica" if at_replica else "primary").inc()

    async def text(self, db: Database, feed: Feed) -> bytes:
        """All of it, in Prometheus's text format."""
        async with db.read_primary() as conn:
            backlog = await positions.backlog(conn)
            head = await positions.head(conn)
        self._unplaced.set(backlog.unplaced)
        self._oldest.set(backlog.oldest_seconds)
        self._behind.set(max(0, head.position - feed.now.position))
        self._left_out.set(db.replicas.left_out if db.replicas else 0)
        return generate_latest(self.registry)


class OperationMetrics(SchemaExtension):
    """Counts and times each operation."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_operation(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        name = self._metrics.name(self.execution_context.operation_name)
        failed = bool(getattr(self.execution_context.result, "errors", None))
        self._metrics.operations.labels(name, "error" if failed else "ok").inc()
        self._metrics.seconds.labels(name).observe(time.perf_counter() - start)
