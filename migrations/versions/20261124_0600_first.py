"""The first tables.

Revision: 20261124_first
Follows: nothing
"""

from itertools import product

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261124_first"
down_revision = None
branch_labels = None
depends_on = None

Instant = sa.DateTime(timezone=True)

# Column and row of a web-mercator tile in one number; geo/tiles.py has the same in Python.
TILE_OF = """
CREATE FUNCTION tile_of(location geometry, zoom integer) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    least(floor((ST_X(location) + 180) / 360 * (1 << zoom))::bigint, (1 << zoom) - 1) << zoom
    | floor((1 - asinh(tan(radians(greatest(-85, least(85, ST_Y(location)))))) / pi()) / 2 * (1 << zoom))::bigint
"""

STAGE = "CASE WHEN status IN ('RESOLVED', 'REJECTED') THEN status ELSE 'OPEN' END"

# Who may take a report from where to where. Reopening is a step like any other.
TRANSITIONS = {
    "REPORTED": ("ROUTED", "SCHEDULED", "UNDER_WAY", "ON_HOLD", "RESOLVED", "REJECTED"),
    "ROUTED": ("REPORTED", "SCHEDULED", "UNDER_WAY", "ON_HOLD", "RESOLVED", "REJECTED"),
    "SCHEDULED": ("ROUTED", "UNDER_WAY", "ON_HOLD", "RESOLVED"),
    "UNDER_WAY": ("SCHEDULED", "ON_HOLD", "RESOLVED"),
    "ON_HOLD": ("ROUTED", "SCHEDULED", "UNDER_WAY", "RESOLVED", "REJECTED"),
    "RESOLVED": ("REPORTED",),
    "REJECTED": ("REPORTED",),
}
ROLES = ("OFFICER", "POLICE", "ADMIN")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute(TILE_OF)

    op.create_table(
        "area",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("approximate", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("valid_from", Instant, nullable=False),
        sa.Column("valid_to", Instant, nullable=True),
        sa.Column("successor_code", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("area_pkey")),
    )
    op.create_index(
        "area_followed_code_key",
        "area",
        ["code"],
        unique=True,
        postgresql_where=sa.text("successor_code IS NOT NULL"),
    )
    op.create_index("area_kind_code_idx", "area", ["kind", "code"], postgresql_where=sa.text("state = 'LIVE'"))
    op.create_index("area_live_code_key", "area", ["code"], unique=True, postgresql_where=sa.text("state = 'LIVE'"))
    op.create_index(
        "area_live_geom_idx", "area", ["geom"], postgresql_using="gist", postgresql_where=sa.text("state = 'LIVE'")
    )
    op.create_index("area_live_parent_code_idx", "area", ["parent_code"], postgresql_where=sa.text("state = 'LIVE'"))
    op.create_index("area_municipality_code_kind_idx", "area", ["municipality_code", "kind"])
    op.create_index(
        "area_staged_geom_idx", "area", ["geom"], postgresql_using="gist", postgresql_where=sa.text("state = 'STAGED'")
    )
    op.create_index("area_successor_code_idx", "area", ["successor_code"])
    op.create_table(
        "pending_recode",
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", name=op.f("pending_recode_pkey")),
    )
    op.create_table(
        "category",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("parent_slug", sa.Text(), nullable=True),
        sa.Column("name_nl", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("handling_hours", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["parent_slug"], ["category.slug"], name=op.f("category_parent_slug_fkey")),
        sa.PrimaryKeyConstraint("slug", name=op.f("category_pkey")),
    )
    op.create_table(
        "feed",
        sa.Column("only", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("epoch", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("only", name=op.f("feed_pkey")),
    )
    op.create_table(
        "idempotency",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.UUID(), nullable=True),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("party", "key", name=op.f("idempotency_pkey")),
    )
    op.create_index(op.f("idempotency_at_idx"), "idempotency", ["at"])
    op.create_table(
        "municipality_policy",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("anonymous_submit", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("municipality_policy_pkey")),
    )
    op.create_table(
        "status_transition",
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("from_status", "to_status", "role", name=op.f("status_transition_pkey")),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("stored_at", Instant, nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("upload_pkey")),
    )
    op.create_index(op.f("upload_expires_at_idx"), "upload", ["expires_at"])
    op.create_table(
        "report",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("location", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("neighbourhood", sa.Text(), nullable=True),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("borough", sa.Text(), nullable=True),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("tile0", sa.BigInteger(), sa.Computed("tile_of(location, 0)", persisted=True), nullable=False),
        sa.Column("tile12", sa.BigInteger(), sa.Computed("tile_of(location, 12)", persisted=True), nullable=False),
        sa.Column("tile14", sa.BigInteger(), sa.Computed("tile_of(location, 14)", persisted=True), nullable=False),
        sa.Column("tile16", sa.BigInteger(), sa.Computed("tile_of(location, 16)", persisted=True), nullable=False),
        sa.Column("public", sa.Boolean(), sa.Computed("visibility = 'PUBLIC'", persisted=True), nullable=False),
        sa.Column("stage", sa.Text(), sa.Computed(STAGE, persisted=True), nullable=False),
        sa.Column("submitted_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("resolved_at", Instant, nullable=True),
        sa.Column("due_at", Instant, nullable=True),
        sa.Column("confirmations", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_confirmed_at", Instant, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["category"], ["category.slug"], name=op.f("report_category_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("report_pkey")),
        sa.UniqueConstraint("number", name=op.f("report_number_key")),
    )
    areas = ("neighbourhood", "district", "borough", "municipality", "tile0", "tile12", "tile14", "tile16")
    facets = {
        None: ((), None),
        "category": (("stage",), None),
        "stage": (("status",), sa.text("stage <> 'RESOLVED'")),
        "urgency": (("stage",), sa.text("urgency <> 'NORMAL'")),
    }
    orders = {"submitted_at": (), "updated_at": ("submitted_at",)}
    for area, (facet, (along, only)), order in product(areas, facets.items(), orders):
        name = filter(None, ("report", area, facet, order, "idx"))
        key = filter(None, (area, "public", facet, order, "id", *along, *orders[order]))
        op.create_index("_".join(name), "report", [*key], postgresql_where=only)
    op.create_index("report_location_idx", "report", ["location"], postgresql_using="gist")
    op.create_index(
        "report_geography_idx", "report", [sa.literal_column("(location::geography)")], postgresql_using="gist"
    )
    for name, whose in (("public", "public"), ("hidden", "NOT public")):
        op.create_index(
            f"report_{name}_text_idx",
            "report",
            [*areas, "description"],
            postgresql_using="gin",
            postgresql_ops={"description": "gin_trgm_ops"},
            postgresql_where=sa.text(f"{whose} AND description IS NOT NULL"),
        )
    # How many rows have a word is guessed from a sample; one of a hundred, as is usual, tells rare from common badly.
    op.execute("ALTER TABLE report ALTER description SET STATISTICS 1000")
    # The planner takes columns for independent, but some categories are hidden as a rule, and a stage has its statuses.
    op.execute("CREATE STATISTICS report_public_category (mcv) ON public, category FROM report")
    op.execute("CREATE STATISTICS report_stage_status (mcv) ON stage, status FROM report")
    op.create_table(
        "confirmation",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("confirmation_report_id_fkey")),
        sa.PrimaryKeyConstraint("report_id", "party", name=op.f("confirmation_pkey")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("before", JSONB, nullable=True),
        sa.Column("after", JSONB, nullable=False),
        sa.Column("detail", JSONB, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("event_report_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_pkey")),
        sa.UniqueConstraint("position", name=op.f("event_position_key")),
        sa.UniqueConstraint("report_id", "version", name=op.f("event_report_id_version_key")),
    )
    op.create_index("event_unplaced_idx", "event", ["at"], postgresql_where=sa.text("position IS NULL"))
    op.create_table(
        "evidence",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("upload_id", sa.UUID(), nullable=True),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("evidence_report_id_fkey")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("evidence_upload_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_pkey")),
        sa.UniqueConstraint("upload_id", name=op.f("evidence_upload_id_key")),
    )
    op.create_index(op.f("evidence_report_id_added_at_id_idx"), "evidence", ["report_id", "added_at", "id"])
    op.create_table(
        "involvement",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("involvement_report_id_fkey")),
        sa.PrimaryKeyConstraint("report_id", "party", "role", name=op.f("involvement_pkey")),
    )
    op.create_index(op.f("involvement_party_report_id_idx"), "involvement", ["party", "report_id"])

    op.bulk_insert(
        sa.table("status_transition", sa.column("from_status"), sa.column("to_status"), sa.column("role")),
        [
            {"from_status": start, "to_status": end, "role": role}
            for start, ends in TRANSITIONS.items()
            for end in ends
            for role in ROLES
        ],
    )
    op.execute("INSERT INTO feed DEFAULT VALUES")

    op.execute(sa.text(SchemaManager.get_schema().replace(":", "\\:")))
    # NOTIFY inside a writing transaction serialises all commits; workers are told after the commit, and poll.
    op.execute("DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs")


def downgrade() -> None:
    raise NotImplementedError("There is nothing before the first tables.")
