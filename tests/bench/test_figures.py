"""A figure is a line of JSON, and says what was measured."""

import io
import json

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.figures import Figure, percentile, table, write

ANSWER = Figure.of("submit.answer.p50", "ms", {"connections": 8}, [4.0, 2.0, 3.0], "floor", [1.0, 2.0, 2.0])
ALONE = Figure.of("submit.client_cpu", "CPU", {}, [0.12345, 0.2])


def test_a_figure_is_a_line_of_json() -> None:
    file = io.BytesIO()
    write([ANSWER, ALONE], file)
    assert [json.loads(line) for line in file.getvalue().splitlines()] == [
        {
            "name": "submit.answer.p50",
            "params": {"connections": 8},
            "value": 3.0,
            "unit": "ms",
            "peer": "floor",
            "ratio": 1.5,
            "runs": 3,
            "min": 2.0,
            "max": 4.0,
        },
        {
            "name": "submit.client_cpu",
            "params": {},
            "value": 0.1617,
            "unit": "CPU",
            "peer": None,
            "ratio": None,
            "runs": 2,
            "min": 0.1235,
            "max": 0.2,
        },
    ]


def test_a_table_shows_each_figure() -> None:
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(table("submit", [ANSWER, ALONE]))
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["answer.p50,", "ms", "connections=8", "3", "2", "4", "1.5", "×", "floor"] in [
        [word for word in row if word not in "│┃"] for row in rows
    ]


@given(st.lists(st.floats(0, 1000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_lowest_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert all(sum(v <= value for v in values) * 100 < percent * len(values) for value in values if value < found)
