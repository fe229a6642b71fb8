"""Cohorts: subscriptions whose events look the same, so that each is made once for all of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any

import orjson
from graphql import ExecutionResult, Executor, execute_subscription_event

from geo.viewer import Viewer
from schema.context import Context
from schema.errors import NameErrors
from schema.listening import Listener
from schema.projection import Projection

MOST_WAITING = 1_000  # events


class Cohort:
    """Makes payloads, of what can be projected at once, and of the rest in a task of its own, in order."""

    def __init__(self, key: object, executor: Executor[Any], viewer: Viewer, listener: Listener[Any]) -> None:
        """`viewer` is the caller for whom it is all made, or anybody where all get the same."""
        self.key = key
        self.counts = listener.counts
        self._executor: Executor[Any] = copy(executor)
        self._executor.context_value = Context(executor.context_value.services, viewer)
        self._projection = Projection(self._executor)
        self._listener = listener
        self._waiting: deque[Callable[[], Awaitable[None]]] = deque()
        self._working: asyncio.Task[None] | None = None

    def at_once(self, told: object) -> bytes | None:
        """The payload, where nothing has to be read for it and nothing is waiting."""
        if self._waiting or self._working or self._listener.personal or not self._projection.from_memory:
            return None
        return self._projected(told)

    @property
    def full(self) -> bool:
        """Whether more is waiting than should."""
        return len(self._waiting) >= MOST_WAITING

    async def payload(self, told: Any) -> bytes | None:
        """The payload; None where it turns out that nothing is told."""
        told = await self._listener.ready(told) if self._listener.personal else told
        if told is None:
            return None
        return (self._projection.from_memory and self._projected(told)) or await self._executed(told)

    def later(self, send: Callable[[], Awaitable[None]]) -> None:
        """Do what sends a payload that takes time, behind those that are waiting."""
        self._waiting.append(send)
        if self._working is None:
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._waiting.popleft()()
        finally:
            self._working = None

    def _projected(self, told: object) -> bytes | None:
        try:
            return orjson.dumps({"data": self._projection.project(told)})
        except Exception:  # executing it says what is wrong, in its place
            return None

    async def _executed(self, told: object) -> bytes:
        result: Any = execute_subscription_event(self._executor.build_per_event_executor(told))
        if self._executor.is_awaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)
        payload: dict[str, object] = {"data": result.data}
        if result.errors:
            payload["errors"] = [error.formatted for error in NameErrors().named(result.errors)]
        return orjson.dumps(payload)
