"""The tables. Alembic's `check` holds migrations/ to them."""

from geo.tables.alerts import alert, alert_answer, alert_delivery
from geo.tables.areas import area, municipality_policy, pending_recode
from geo.tables.base import metadata
from geo.tables.feed import consumer, event, event_archive, feed, idempotency
from geo.tables.messages import consent, message
from geo.tables.neighbours import adoption, confirmation, evidence, merge, rating, thanks, upload
from geo.tables.people import address_question, area_follow, audit, contact, involvement, notification, preference
from geo.tables.reports import AREAS, FACETS, ORDERS, category, report, status_transition
from geo.tables.revocations import revocation

__all__ = [
    "AREAS",
    "FACETS",
    "ORDERS",
    "address_question",
    "adoption",
    "alert",
    "alert_answer",
    "alert_delivery",
    "area",
    "area_follow",
    "audit",
    "category",
    "confirmation",
    "consent",
    "consumer",
    "contact",
    "event",
    "event_archive",
    "evidence",
    "feed",
    "idempotency",
    "involvement",
    "merge",
    "message",
    "metadata",
    "municipality_policy",
    "notification",
    "pending_recode",
    "preference",
    "rating",
    "report",
    "revocation",
    "status_transition",
    "thanks",
    "upload",
]
