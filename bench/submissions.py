"""The report that the benchmarks submit: glass, somewhere in the middle of The Hague, by a resident."""

import random
from typing import Any

import orjson

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
    """An input of `submitReport`, each at another place within a kilometre or so."""
    return {
        "category": "glas",
        "description": "Glas rond de glasbak op de hoek, ook op het fietspad en voor de ingang van de school.",
        "location": {"lon": 4.3007 + random.uniform(-0.01, 0.01), "lat": 52.0705 + random.uniform(-0.006, 0.006)},
    }


def graphql() -> bytes:
    """The body that our server takes."""
    return orjson.dumps({"query": SUBMIT, "variables": {"input": new_input()}})


def bare() -> bytes:
    """The body that the floor takes: the input alone."""
    return orjson.dumps(new_input())
