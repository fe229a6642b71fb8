"""Scalars of our own."""

from typing import Any, NewType

import strawberry
from graphql import value_from_ast_untyped
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from geo.errors import InvalidCursor

Cursor = NewType("Cursor", str)
GeoJSON = NewType("GeoJSON", dict)  # type: ignore[type-arg]
GeoJSONPolygon = NewType("GeoJSONPolygon", dict)  # type: ignore[type-arg]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidCursor(path=("after",), hint="A cursor is a string that you received earlier.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description=(
            "A place in the feed of events. Opaque: keep the last one you received and pass it back as `after`. It "
            "tells nothing and stays valid across restarts and servers."
        ),
        serialize=str,
        parse_value=_text,
    ),
    GeoJSON: strawberry.scalar(
        name="GeoJSON",
        description="A geometry object as in RFC 7946, WGS84, longitude first.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc7946",
        serialize=lambda value: value,
    ),
    GeoJSONPolygon: strawberry.scalar(
        name="GeoJSONPolygon",
        description=(
            "A Polygon object as in RFC 7946: WGS84, longitude first, each ring closed, at most 1000 vertices and "
            '50000 km². Example: `{type: "Polygon", coordinates: [[[4.29, 52.06], [4.31, 52.06], [4.31, 52.08], '
            "[4.29, 52.06]]]}`."
        ),
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc7946#section-3.1.6",
        parse_value=lambda value: value,
        parse_literal=value_from_ast_untyped,
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)
