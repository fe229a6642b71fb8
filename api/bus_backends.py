"""Backends for broadcaster. Its own for PostgreSQL wants another driver than ours, and its own for Redis begins to
listen before it has subscribed, which ends the listening for ever (0.3.1)."""

import asyncio
from contextlib import AsyncExitStack

import psycopg
from broadcaster import BroadcastBackend, Event


class PostgresBackend(BroadcastBackend):
    """LISTEN and NOTIFY, each on an autocommit connection of its own: never inside a writer's transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscribed = asyncio.Event()
        self._opened = AsyncExitStack()

    async def _open(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        self._opened.push_async_callback(connection.close)
        return connection

    async def connect(self) -> None:
        self._listener = await self._open()
        self._notifier = await self._open()
        self._heard = self._listener.notifies()

    async def disconnect(self) -> None:
        await self._opened.aclose()

    async def subscribe(self, channel: str) -> None:
        await self._listener.execute(f'LISTEN "{channel}"'.encode())
        self._subscribed.set()

    async def unsubscribe(self, channel: str) -> None:
        """The connection is waiting for notifications and takes no command; closing it ends the subscription."""

    async def publish(self, channel: str, message: str) -> None:
        await self._notifier.execute("SELECT pg_notify(%s, %s)", (channel, message))

    async def next_published(self) -> Event:
        await self._subscribed.wait()
        notify = await anext(self._heard)
        return Event(notify.channel, notify.payload)


class RedisBackend(BroadcastBackend):
    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # noqa: PLC0415 - takes a fifth of a second, and few need it

        self._redis = Redis.from_url(url)
        self._pubsub = self._redis.pubsub()
        self._subscribed = asyncio.Event()

    async def connect(self) -> None:
        """Subscribing does."""

    async def disconnect(self) -> None:
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._redis.aclose()

    async def subscribe(self, channel: str) -> None:
        await self._pubsub.subscribe(channel)
        self._heard = self._pubsub.listen()
        self._subscribed.set()

    async def unsubscribe(self, channel: str) -> None:
        """Disconnecting ends the subscription."""

    async def publish(self, channel: str, message: str) -> None:
        await self._redis.publish(channel, message)

    async def next_published(self) -> Event:
        await self._subscribed.wait()
        while (told := await anext(self._heard))["type"] != "message":
            pass
        return Event(told["channel"].decode(), told["data"].decode())
