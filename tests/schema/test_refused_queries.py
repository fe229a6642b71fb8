"""What a query or a subscription cannot do is an error with a name, a place and what would be right, and never an empty
list."""

import base64
from uuid import UUID, uuid4

import pytest

from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.refusals import refusal
from tests.conftest import Served
from tests.world import RESIDENT, submit

pytestmark = pytest.mark.anyio

SIZES = [
    ('reports(area: {code: "WK051829"}, first: %s) { nodes { id } }', 200),
    ("reportsNear(point: {lon: 4.295, lat: 52.065}, first: %s) { metres }", 200),
    ("areas(first: %s) { nodes { code } }", 200),
    ('reports(area: {code: "WK051829"}, first: 1) { nodes { evidence(first: %s) { nodes { id } } } }', 100),
    ('reports(area: {code: "WK051829"}, first: 1) { nodes { timeline(first: %s) { nodes { at } } } }', 100),
]


@pytest.mark.parametrize(("field", "most"), SIZES)
async def test_a_page_size_out_of_range(shared: Served, field: str, most: int) -> None:
    await submit(shared.db)
    async with calling(shared, RESIDENT) as anna:
        for size in (0, -1, most + 1, 100_000, -(2**31), 2**31 - 1):
            for told in (
                await refusal(anna, f"{{ {field % size} }}"),
                await refusal(anna, f"query($n: Int!) {{ {field % '$n'} }}", {"n": size}),
            ):
                assert (told["code"], told["path"], told["hint"]) == ("InvalidPageSize", ["first"], f"1 to {most}.")
        no_sizes: list[object] = [2**31, 10**30, "1", 1.5, None]
        for value in no_sizes:
            told = await refusal(anna, f"query($n: Int!) {{ {field % '$n'} }}", {"n": value})
            assert told["code"] == "InvalidRequest"


FILTERS: list[tuple[Json, str, tuple[str | int, ...]]] = [
    *(({name: []}, "InvalidFilter", (name,)) for name in ("statuses", "categories", "urgencies")),
    ({"categories": ["nope"]}, "UnknownCategory", ("categories", 0)),
    ({"categories": ["glas", "x" * 10_000]}, "UnknownCategory", ("categories", 1)),
    ({"categories": ["glas\x00"]}, "UnknownCategory", ("categories", 0)),
    *(({name: "2026-01-01T00:00:00"}, "InvalidFilter", (name,)) for name in ("submittedAfter", "submittedBefore")),
    (
        {"submittedAfter": "2026-02-01T00:00:00Z", "submittedBefore": "2026-01-01T00:00:00Z"},
        "InvalidFilter",
        ("submittedBefore",),
    ),
    (
        {"submittedAfter": "2026-01-01T01:00:00+01:00", "submittedBefore": "2026-01-01T00:00:00Z"},
        "InvalidFilter",
        ("submittedBefore",),
    ),
    *(
        ({"text": text}, "InvalidFilter", ("text",))
        for text in ("", "ab", "x" * 101, "x" * 50_000, "abc\x00", "\u202eabc")
    ),
]
TIMES = [
    "",
    "x",
    "now",
    "2026-13-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "9999-12-31T24:00:00Z",
    "2026-01-01T00:00:00+99:00",
]
UNREADABLE: list[Json] = [
    *({"submittedAfter": time} for time in (*TIMES, 5, 1.5, True, [], {})),
    {"statuses": ["NOPE"]},
    {"statuses": [None]},
    {"urgencies": 5},
    {"text": 5},
    {"text": ["abc"]},
    {"nope": 1},
]


@pytest.mark.parametrize(("given", "code", "path"), FILTERS, ids=lambda value: repr(value)[:40])
async def test_a_filter_that_lets_nothing_through(
    shared: Served, given: Json, code: str, path: tuple[str | int, ...]
) -> None:
    async with calling(shared, RESIDENT) as anna:
        for document in (
            'query($f: ReportFilter) { reports(area: {code: "WK051829"}, filter: $f) { nodes { id } } }',
            "query($f: ReportFilter) { reportsNear(point: {lon: 4.295, lat: 52.065}, filter: $f) { metres } }",
            'subscription($f: ReportFilter) { reportEvents(area: {code: "WK051829"}, filter: $f) { __typename } }',
        ):
            told = await refusal(anna, document, {"f": given})
            assert (told["code"], told["path"]) == (code, ["filter", *path])


@pytest.mark.parametrize("given", UNREADABLE, ids=lambda value: repr(value)[:40])
async def test_a_filter_that_cannot_be_read(shared: Served, given: Json) -> None:
    document = 'query($f: ReportFilter) { reports(area: {code: "WK051829"}, filter: $f) { nodes { id } } }'
    async with calling(shared, RESIDENT) as anna:
        assert (await refusal(anna, document, {"f": given}))["code"] == "InvalidRequest"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
async def test_the_first_and_the_last_moment_are_moments(shared: Served, time: str) -> None:
    document = 'query($f: ReportFilter) { reports(area: {code: "WK051829"}, filter: $f) { nodes { id } } }'
    async with calling(shared, RESIDENT) as anna:
        for name in ("submittedAfter", "submittedBefore"):
            await anna.run(document, {"f": {name: time}})


ABSENT = UUID(int=7)
NO_IDS = ["", "x", "////", "é", "\x00", str(ABSENT), make_id("Nope", "x"), make_id("Upload", ABSENT)]
NO_IDS += [base64.b64encode(raw).decode() for raw in (b"Report", b"Report:\xff\xfe", b"Report:5", b"Evidence:x")]


@pytest.mark.parametrize("id", NO_IDS, ids=repr)
async def test_an_id_that_is_none(shared: Served, id: str) -> None:
    async with calling(shared, RESIDENT) as anna:
        for document in (
            "query($id: ID!) { node(id: $id) { id } }",
            "query($id: ID!) { report(id: $id) { id } }",
            "subscription($id: ID!) { report(id: $id) { __typename } }",
        ):
            told = await refusal(anna, document, {"id": id})
            assert (told["code"], told["path"]) == ("InvalidId", ["id"])


async def test_an_id_of_another_type(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna:
        for other in (make_id("Area", "GM0518"), make_id("Category", "glas"), make_id("Evidence", uuid4())):
            for kind in ("query", "subscription"):
                document = f"{kind}($id: ID!) {{ report(id: $id) {{ __typename }} }}"
                assert (await refusal(anna, document, {"id": other}))["code"] == "InvalidId"


@pytest.mark.parametrize(
    ("field", "code", "path"),
    [
        ("report { id }", "InvalidFilter", []),
        (f'report(id: "{make_id("Report", ABSENT)}", number: "482-915-073") {{ id }}', "InvalidFilter", []),
        *(
            (f'report(number: "{number}") {{ id }}', "InvalidFilter", ["number"])
            for number in ("", "1", "123-456-789", "4829150730", "x" * 10_000, "\\u0000")
        ),
        ("area { code }", "InvalidArea", []),
        ('area(code: "GM0518", at: {lon: 4.295, lat: 52.065}) { code }', "InvalidArea", []),
        ('area(code: "NOPE") { code }', "UnknownArea", ["code"]),
        ("area(at: {lon: 181, lat: 52}) { code }", "InvalidLocation", ["at"]),
        ("area(at: {lon: 52.065, lat: 4.295}) { code }", "OutsideKnownArea", ["at"]),
        ('areas(within: "NOPE") { nodes { code } }', "UnknownArea", ["within"]),
        ('areas(search: "a\\u0000") { nodes { code } }', "InvalidFilter", ["search"]),
        ("reportsNear(point: {lon: 4.3, lat: 91}) { metres }", "InvalidLocation", ["point"]),
        ("reportsNear(point: {lon: 52.065, lat: 4.295}) { metres }", "OutsideKnownArea", ["point"]),
        ("reportsNear(point: {lon: -180, lat: -90}) { metres }", "OutsideKnownArea", ["point"]),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_other_arguments_that_cannot_be(shared: Served, field: str, code: str, path: list[str]) -> None:
    await submit(shared.db)
    async with calling(shared, RESIDENT) as anna:
        told = await refusal(anna, f"{{ {field} }}")
    assert (told["code"], told["path"]) == (code, path)
