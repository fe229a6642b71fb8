"""The three roots. They only name the parts."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.extensions import ValidationCache
from strawberry.extensions.base_extension import SchemaExtension

from schema import areas, categories, live, node, report_changes, report_queries, uploads, viewer
from schema.cost import Limits
from schema.documents import OneOperation, ParsedOnce
from schema.errors import NameErrors
from schema.problems import NamedProblems, Problem
from schema.scalars import CONFIG


def _described(resolver: Callable[..., Any]) -> str:
    return (resolver.__doc__ or "").strip()


def query(resolver: Callable[..., Any]) -> Any:
    return strawberry.field(resolver=resolver, description=_described(resolver))


def mutation(resolver: Callable[..., Any]) -> Any:
    return strawberry.mutation(resolver=resolver, description=_described(resolver), extensions=[NamedProblems()])


def subscription(resolver: Callable[..., Any]) -> Any:
    return strawberry.subscription(resolver=resolver, description=_described(resolver))


@strawberry.type(description="Reading.")
class Query:
    node = query(node.node)
    viewer = query(viewer.viewer)
    report = query(report_queries.report)
    reports = query(report_queries.reports_in)
    reports_near = query(report_queries.reports_near)
    area = query(areas.area)
    areas = query(areas.areas)
    categories = query(categories.categories)


@strawberry.type(
    description="Changing. Each answers with the event it made, or with a named problem, and does all or nothing."
)
class Mutation:
    submit_report = mutation(report_changes.submit_report)
    add_evidence = mutation(report_changes.add_evidence)
    create_upload = mutation(uploads.create_upload)
    confirm_report = mutation(report_changes.confirm_report)
    change_status = mutation(report_changes.change_status)
    change_visibility = mutation(report_changes.change_visibility)


@strawberry.type(
    description="Hearing what happens, over graphql-transport-ws, server-sent events or multipart, at the same URL."
)
class Subscription:
    report_events = subscription(live.report_events)
    report = subscription(live.report_changes)


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[Any], execution_context: Any = None) -> None:
        """`NameErrors` logs what has to be logged."""


def make_schema(*extensions: Callable[[], SchemaExtension]) -> Schema:
    """The schema, with extensions of the process around our own."""
    return Schema(
        Query,
        Mutation,
        Subscription,
        types=Problem.__subclasses__(),
        config=CONFIG,
        extensions=[*extensions, Limits, ParsedOnce, ValidationCache, OneOperation, NameErrors],
    )
