"""Import a file of areas: read it, stage it, put it in force a municipality at a time, move the reports along."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from geo import area_files, area_maps, follows, positions
from geo.area_files import Feature, Rejected
from geo.area_maps import Ending
from geo.db import Database
from geo.errors import Problem
from geo.usecases.recode_reports import recode_reports

STAGED_AT_ONCE = 200
COMPARED_AT_ONCE = 100
T = TypeVar("T")


class ImportUnderWay(Problem):
    """Another import of areas is under way."""


class Step(StrEnum):
    """What an import is doing; its progress is counted in the things named here."""

    READING = "Reading the file"
    STAGING = "Staging areas"
    COMPARING = "Comparing areas"
    REPLACING = "Replacing the maps of municipalities"
    MOVING = "Looking reports over"


Progress = Callable[[Step, int, int], None]  # the step, how many are done, of how many


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of a file: areas by number, or by code where somebody may have to look at them.

    `kept` were left out because they are approximate and exact ones are in force, `skipped` because they are water.
    """

    added: int
    replaced: int
    unchanged: int
    kept: int
    ended: list[Ending]
    repaired: list[str]
    rejected: list[Rejected]
    skipped: int
    reports_moved: int


def _silent(step: Step, done: int, total: int) -> None:
    """For who doesn't watch."""


async def import_areas(
    db: Database, path: Path, *, approximate: bool | None = None, progress: Progress = _silent
) -> ImportSummary:
    """Bring the areas of a file in force; again with the same file changes nothing.

    `approximate` as in `geo.area_files.read`. An import that was cut off is made whole by doing it again. Raises
    `InvalidAreaFile`, `ImportUnderWay`.
    """
    async with _alone(db):
        progress(Step.READING, 0, 1)
        file = await asyncio.to_thread(area_files.read, path, approximate)
        progress(Step.READING, 1, 1)
        codes = [feature.code for feature in file.features]
        async with db.read_primary() as conn:
            standing = await area_maps.standing(conn, codes)
        fresh, unchanged = [], 0
        for feature in file.features:
            before = standing.get(feature.code)
            if before is not None and before.digest == feature.digest:
                unchanged += 1
            elif before is None or before.approximate or not feature.approximate:
                fresh.append(feature)
        await _stage(db, fresh, progress)
        withdrawn = await _withdraw(db, [feature.code for feature in fresh if feature.approximate], progress)
        staged = [feature for feature in fresh if feature.code not in withdrawn]
        ended = await _endings(db, codes, progress)
        await _replace(db, staged, ended, progress)
        moved = await recode_reports(db, partial(progress, Step.MOVING))
    replaced = sum(feature.code in standing for feature in staged)
    return ImportSummary(
        added=len(staged) - replaced,
        replaced=replaced,
        unchanged=unchanged,
        kept=len(codes) - unchanged - len(staged),
        ended=ended,
        repaired=file.repaired,
        rejected=file.rejected,
        skipped=file.skipped,
        reports_moved=moved,
    )


@asynccontextmanager
async def _alone(db: Database) -> AsyncIterator[None]:
    async with db.read_primary() as conn:
        if not await area_maps.try_lock(conn):
            raise ImportUnderWay(hint="Start again when it is done.")
        try:
            yield
        finally:
            await area_maps.unlock(conn)


def _chunks(things: Sequence[T], size: int, progress: Callable[[int, int], None]) -> Iterator[Sequence[T]]:
    """The things, some at a time, telling after each time how far it is."""
    for start in range(0, len(things), size):
        yield things[start : start + size]
        progress(min(start + size, len(things)), len(things))


async def _stage(db: Database, features: Sequence[Feature], progress: Progress) -> None:
    async with db.write() as conn:
        await area_maps.clear(conn)
    for chunk in _chunks(features, STAGED_AT_ONCE, partial(progress, Step.STAGING)):
        async with db.write() as conn:
            await area_maps.stage(conn, [{**asdict(feature), "digest": feature.digest} for feature in chunk])
    async with db.write() as conn:
        await area_maps.analyze(conn)


async def _withdraw(db: Database, rough: Sequence[str], progress: Progress) -> set[str]:
    withdrawn: set[str] = set()
    for chunk in _chunks(rough, COMPARED_AT_ONCE, partial(progress, Step.COMPARING)):
        async with db.write() as conn:
            withdrawn.update(await area_maps.withdraw(conn, chunk))
    return withdrawn


async def _endings(db: Database, codes: Sequence[str], progress: Progress) -> list[Ending]:
    found: list[Ending] = []
    async with db.read_primary() as conn:
        missing = await area_maps.missing(conn, codes)
        for chunk in _chunks(missing, COMPARED_AT_ONCE, partial(progress, Step.COMPARING)):
            found += await area_maps.endings(conn, codes, chunk)
    return found


async def _replace(db: Database, staged: Sequence[Feature], ended: Sequence[Ending], progress: Progress) -> None:
    names = {feature.municipality_code: feature.municipality_name for feature in staged}
    endings: dict[str, list[Ending]] = defaultdict(list)
    for ending in ended:
        endings[ending.municipality].append(ending)
    for chunk in _chunks(sorted({*names, *endings}), 1, partial(progress, Step.REPLACING)):
        for municipality in chunk:
            async with db.write() as conn:
                await area_maps.replace(conn, municipality, names.get(municipality), endings[municipality])
                await positions.raise_map_version(conn)
    async with db.write() as conn:
        await area_maps.analyze(conn)
        await follows.move_along(conn)
