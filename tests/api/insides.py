"""What tests see of a server that runs in their own process."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from schema.hub import Hub


def remembered(monkeypatch: pytest.MonkeyPatch, path: str, kind: type[Any]) -> list[Any]:
    made: list[Any] = []

    class Remembered(kind):  # type: ignore[misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(path, Remembered)
    return made


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


def is_empty(hub: Hub) -> bool:
    groups = hub.groups
    kept = groups._by_key, groups._areas, groups._topics, groups._of_cohort, groups._cohorts
    return not any(len(part) for part in kept)
