"""The report that benchmarks submit, to our server and to the floor: glass, somewhere in the middle of The Hague."""

import random
from collections.abc import Mapping
from typing import Any

import orjson

from bench.clients import Target

SUBMIT = """
mutation Submit($input: SubmitReportInput!) {
  submitReport(input: $input) {
    __typename
    ... on ReportSubmitted { cursor reportId version report { number status } }
    ... on Problem { message hint }
  }
}
"""
SUBMITTED = b'"ReportSubmitted"'


def new_input() -> dict[str, Any]:
    """An input of `submitReport`, each at another place within a kilometre, and none the same as another."""
    return {
        "category": "glas",
        "description": "Glas rond de glasbak op de hoek, ook op het fietspad en voor de ingang van de school.",
        "location": {"lon": 4.3007 + random.uniform(-0.01, 0.01), "lat": 52.0705 + random.uniform(-0.006, 0.006)},
        "confirmNew": True,
    }


def to_ours(url: str, headers: Mapping[str, str]) -> Target:
    return Target(
        f"{url}/graphql",
        headers,
        lambda: orjson.dumps({"query": SUBMIT, "variables": {"input": new_input()}}),
        SUBMITTED,
    )


def to_floor(url: str, path: str) -> Target:
    """The floor takes the input alone."""
    return Target(f"{url}/{path}", {}, lambda: orjson.dumps(new_input()), SUBMITTED)
