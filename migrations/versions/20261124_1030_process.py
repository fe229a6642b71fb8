"""The whole process of a report: messages, corrections, adoption, merging, alerts, notifications, judgement.

Revision: 20261124_process
Follows: 20261124_map_version
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261124_process"
down_revision = "20261124_map_version"
branch_labels = None
depends_on = None

Instant = sa.DateTime(timezone=True)
Texts = sa.ARRAY(sa.Text())
Point = Geometry("POINT", srid=4326, spatial_index=False)

# Steps of those who have a standing in the report, and of the clock; what authorities do with an adopted report.
STEPS = (
    *(("REPORTED", "ADOPTED", who) for who in ("RESIDENT", "APP")),
    *(("ADOPTED", to, "ADOPTER") for to in ("REPORTED", "RESOLVED")),
    ("ADOPTED", "REPORTED", "SYSTEM"),
    ("RESOLVED", "REPORTED", "INVOLVED"),
    *(
        ("ADOPTED", to, who)
        for to in ("REPORTED", "SCHEDULED", "UNDER_WAY", "ON_HOLD", "RESOLVED", "REJECTED")
        for who in ("OFFICER", "POLICE", "ADMIN")
    ),
)


def upgrade() -> None:
    _widen()
    _people()
    _alerts()
    _events()
    op.bulk_insert(
        sa.table("status_transition", sa.column("from_status"), sa.column("to_status"), sa.column("role")),
        [{"from_status": start, "to_status": end, "role": who} for start, end, who in STEPS],
    )


def _widen() -> None:
    """Columns with a constant default, or none: no table is rewritten."""
    for column in (
        sa.Column("round_the_clock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("terms", Texts, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("related", Texts, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("feedback_days", sa.Integer(), server_default=sa.text("14"), nullable=False),
        sa.Column("contact_days", sa.Integer(), server_default=sa.text("90"), nullable=False),
        sa.Column("guidance_nl", sa.Text()),
        sa.Column("guidance_en", sa.Text()),
        sa.Column("borrow", JSONB(), server_default=sa.text("'[]'"), nullable=False),
    ):
        op.add_column("category", column)
    for column in (
        sa.Column("channel", sa.Text(), server_default=sa.text("'APP'"), nullable=False),
        sa.Column("original", sa.Text()),
        sa.Column("hidden_reason", sa.Text()),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("feedback_until", Instant),
        sa.Column("closed_at", Instant),
        sa.Column("escalated_at", Instant),
        sa.Column("merged_into", sa.UUID()),
    ):
        op.add_column("report", column)
    for column in (
        sa.Column("location", Point),
        sa.Column("category", sa.Text()),
        sa.Column("decision", sa.Text()),
        sa.Column("quantity", sa.Text()),
        sa.Column("value", sa.Double()),
        sa.Column("unit", sa.Text()),
        sa.Column("original", sa.Text()),
        sa.Column("hidden_reason", sa.Text()),
    ):
        op.add_column("evidence", column)
    # Checked in the next migration, when writers need not wait for it.
    for table, column, key in (("report", "merged_into", "report.id"), ("evidence", "category", "category.slug")):
        other, theirs = key.split(".")
        op.create_foreign_key(
            op.f(f"{table}_{column}_fkey"), table, other, [column], [theirs], postgresql_not_valid=True
        )


def _report() -> sa.Column[object]:
    return sa.Column("report_id", sa.UUID(), sa.ForeignKey("report.id"), nullable=False)


def _people() -> None:
    op.create_table(
        "area_follow",
        sa.Column("party", sa.Text(), primary_key=True),
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column("since", Instant, nullable=False),
    )
    op.create_index(op.f("area_follow_code_idx"), "area_follow", ["code"])
    op.create_table(
        "preference",
        sa.Column("party", sa.Text(), primary_key=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("confirmed_at", Instant),
        sa.Column("quiet_from", sa.SmallInteger()),
        sa.Column("quiet_until", sa.SmallInteger()),
    )
    op.create_table(
        "contact",
        sa.Column("report_id", sa.UUID(), sa.ForeignKey("report.id"), primary_key=True),
        sa.Column("name", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("lapses_at", Instant),
    )
    op.create_index(op.f("contact_lapses_at_idx"), "contact", ["lapses_at"])
    op.create_table(
        "audit",
        sa.Column("id", sa.UUID(), primary_key=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        _report(),
    )
    op.create_index(op.f("audit_report_id_at_idx"), "audit", ["report_id", "at"])
    op.create_table(
        "adoption",
        sa.Column("id", sa.UUID(), primary_key=True),
        _report(),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sa.Column("ending", sa.Text()),
    )
    current = sa.text("ended_at IS NULL")
    op.create_index("adoption_current_key", "adoption", ["report_id"], unique=True, postgresql_where=current)
    op.create_index("adoption_until_idx", "adoption", ["until"], postgresql_where=current)
    op.create_index(op.f("adoption_report_id_since_idx"), "adoption", ["report_id", "since"])
    op.create_table(
        "thanks",
        sa.Column("adoption_id", sa.UUID(), sa.ForeignKey("adoption.id"), primary_key=True),
        sa.Column("party", sa.Text(), primary_key=True),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "rating",
        sa.Column("report_id", sa.UUID(), sa.ForeignKey("report.id"), primary_key=True),
        sa.Column("party", sa.Text(), primary_key=True),
        sa.Column("resolved_at", Instant, primary_key=True),
        sa.Column("solved", sa.Boolean(), nullable=False),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("why", sa.Text()),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "merge",
        sa.Column("id", sa.UUID(), primary_key=True),
        sa.Column("duplicate_id", sa.UUID(), sa.ForeignKey("report.id"), nullable=False),
        sa.Column("into_id", sa.UUID(), sa.ForeignKey("report.id"), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("moved", JSONB(), nullable=False),
        sa.Column("undone_at", Instant),
    )
    op.create_index(op.f("merge_duplicate_id_at_idx"), "merge", ["duplicate_id", "at"])
    op.create_index(op.f("merge_into_id_idx"), "merge", ["into_id"])
    op.create_table(
        "message",
        sa.Column("id", sa.UUID(), primary_key=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("place", sa.Text()),
        sa.Column("location", Point),
        sa.Column("permalink", sa.Text()),
        sa.Column("written_at", Instant),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("edited_at", Instant),
        sa.Column("category", sa.Text(), sa.ForeignKey("category.slug")),
        sa.Column("report_id", sa.UUID(), sa.ForeignKey("report.id")),
        sa.Column("evidence_id", sa.UUID(), sa.ForeignKey("evidence.id")),
        sa.Column("piece_ids", sa.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("event_id", sa.UUID(), sa.ForeignKey("event.id")),
        sa.UniqueConstraint(
            "organisation", "source", "external_id", name=op.f("message_organisation_source_external_id_key")
        ),
    )
    for column in ("report_id", "evidence_id", "party"):
        op.create_index(op.f(f"message_{column}_idx"), "message", [column])
    unanswered = sa.text("event_id IS NULL")
    op.create_index("message_unanswered_idx", "message", ["received_at"], postgresql_where=unanswered)
    op.create_table(
        "consent",
        sa.Column("message_id", sa.UUID(), sa.ForeignKey("message.id"), primary_key=True),
        sa.Column("given_at", Instant, nullable=False),
        sa.Column("purposes", Texts, nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
    )


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.UUID(), primary_key=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text()),
        sa.Column("code", sa.Text()),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("published_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("valid_until", Instant, nullable=False),
        sa.Column("withdrawn_at", Instant),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_index(op.f("alert_geom_idx"), "alert", ["geom"], postgresql_using="gist")
    op.create_index(op.f("alert_published_at_id_idx"), "alert", ["published_at", "id"])
    op.create_index("alert_active_idx", "alert", ["valid_until"], postgresql_where=sa.text("withdrawn_at IS NULL"))
    op.create_table(
        "alert_answer",
        sa.Column("id", sa.UUID(), primary_key=True),
        sa.Column("alert_id", sa.UUID(), sa.ForeignKey("alert.id"), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("location", Point),
        sa.Column("upload_id", sa.UUID(), sa.ForeignKey("upload.id"), unique=True),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index(op.f("alert_answer_alert_id_at_id_idx"), "alert_answer", ["alert_id", "at", "id"])
    op.create_table(
        "alert_delivery",
        sa.Column("alert_id", sa.UUID(), sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("watchers", sa.BigInteger(), nullable=False),
    )


def _events() -> None:
    op.add_column("event", sa.Column("alert_id", sa.UUID()))
    op.create_foreign_key(
        op.f("event_alert_id_fkey"), "event", "alert", ["alert_id"], ["id"], postgresql_not_valid=True
    )
    for column in ("report_id", "version", "after"):
        op.alter_column("event", column, nullable=True)
    op.create_table(
        "notification",
        sa.Column("id", sa.UUID(), primary_key=True),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("event_id", sa.UUID(), sa.ForeignKey("event.id"), nullable=False),
        sa.Column("notice_id", sa.UUID(), sa.ForeignKey("event.id"), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("read_at", Instant),
        sa.Column("mail", sa.Text()),
        sa.Column("mailed_at", Instant),
        sa.UniqueConstraint("party", "event_id", name=op.f("notification_party_event_id_key")),
    )
    op.create_index(op.f("notification_party_id_idx"), "notification", ["party", "id"])
    op.create_index(op.f("notification_notice_id_idx"), "notification", ["notice_id"])
    op.create_index(op.f("notification_event_id_idx"), "notification", ["event_id"])
    op.create_index(
        "notification_unmailed_idx",
        "notification",
        ["party"],
        postgresql_where=sa.text("mail IS NOT NULL AND mailed_at IS NULL"),
    )
    op.create_table(
        "consumer",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("What the new tables hold would be lost; restore a back-up instead.")
