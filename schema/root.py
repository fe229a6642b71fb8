"""The three roots. They only name the parts."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.extensions.base_extension import SchemaExtension

from schema import (
    adoption,
    alert_changes,
    alert_events,
    alerts,
    area_stats,
    areas,
    categories,
    erasing,
    evidence_changes,
    follows,
    live,
    merging,
    messages,
    moderation,
    node,
    notifications,
    preferences,
    report_changes,
    report_queries,
    resolution,
    similar,
    submitting,
    uploads,
    viewer,
)
from schema.cost import Limits
from schema.documents import OneOperation, ParsedOnce, ValidatedOnce
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
    similar_reports = query(similar.similar_reports)
    message = query(messages.message)
    area = query(areas.area)
    areas = query(areas.areas)
    area_stats = query(area_stats.area_stats)
    categories = query(categories.categories)
    alerts = query(alerts.alerts)
    notifications = query(notifications.notifications)
    preferences = query(preferences.preferences)


@strawberry.type(
    description="Changing. Each answers with the event it made, or with a named problem, and does all or nothing."
)
class Mutation:
    submit_report = mutation(submitting.submit_report)
    add_evidence = mutation(evidence_changes.add_evidence)
    create_upload = mutation(uploads.create_upload)
    confirm_report = mutation(report_changes.confirm_report)
    adopt_report = mutation(adoption.adopt_report)
    release_report = mutation(adoption.release_report)
    complete_adoption = mutation(adoption.complete_adoption)
    thank_adopter = mutation(adoption.thank_adopter)
    rate_resolution = mutation(resolution.rate_resolution)
    register_message = mutation(messages.register_message)
    withdraw_consent = mutation(erasing.withdraw_consent)
    delete_message = mutation(erasing.delete_message)
    erase_contribution = mutation(erasing.erase_contribution)
    change_status = mutation(report_changes.change_status)
    change_visibility = mutation(report_changes.change_visibility)
    decide_correction = mutation(evidence_changes.decide_correction)
    hide_content = mutation(moderation.hide_content)
    show_content = mutation(moderation.show_content)
    merge_reports = mutation(merging.merge_reports)
    undo_merge = mutation(merging.undo_merge)
    publish_alert = mutation(alert_changes.publish_alert)
    update_alert = mutation(alert_changes.update_alert)
    withdraw_alert = mutation(alert_changes.withdraw_alert)
    answer_alert = mutation(alert_changes.answer_alert)
    follow = mutation(follows.follow)
    unfollow = mutation(follows.unfollow)
    set_preferences = mutation(preferences.set_preferences)
    mark_read = mutation(notifications.mark_read)


@strawberry.type(
    description="Hearing what happens, over graphql-transport-ws, server-sent events or multipart, at the same URL."
)
class Subscription:
    report_events = subscription(live.report_events)
    report = subscription(live.report_changes)
    alert_events = subscription(alert_events.alert_events)
    notifications = subscription(notifications.told)


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
        extensions=[*extensions, Limits, ParsedOnce, ValidatedOnce, OneOperation, NameErrors],
    )
