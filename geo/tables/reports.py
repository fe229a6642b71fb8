"""Reports, their categories, and the steps a report can take."""

from itertools import product

from sqlalchemy import BigInteger, Boolean, Column, Computed, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from geo.tables.base import Instant, PointColumn, metadata

category = Table(
    "category",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("parent_slug", Text, ForeignKey("category.slug")),
    Column("name_nl", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("handling_hours", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    # Whether `handling_hours` are hours of the clock, or working hours.
    Column("round_the_clock", Boolean, nullable=False, server_default=text("false")),
    Column("terms", ARRAY(Text), nullable=False, server_default=text("'{}'")),  # Dutch words by which people mean it
    Column("related", ARRAY(Text), nullable=False, server_default=text("'{}'")),  # slugs often mixed up with it
    Column("feedback_days", Integer, nullable=False, server_default=text("14")),
    Column("contact_days", Integer, nullable=False, server_default=text("90")),
    # How residents do it themselves; null where they should not.
    Column("guidance_nl", Text),
    Column("guidance_en", Text),
    Column("borrow", JSONB, nullable=False, server_default=text("'[]'")),
)

report = Table(
    "report",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("category", Text, ForeignKey("category.slug"), nullable=False),
    Column("status", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("location", PointColumn, nullable=False),
    Column("neighbourhood", Text),
    Column("district", Text),
    Column("borough", Text),
    Column("municipality", Text, nullable=False),
    # Web-mercator tiles of three sizes (about 6, 1.5 and 0.4 km here): a box of any size is a few of them,
    # and an index on (tile, order) reads the newest rows of a box without reading all its rows.
    # Tile 0 is all of it.
    Column("tile0", BigInteger, Computed("tile_of(location, 0)", persisted=True), nullable=False),
    Column("tile12", BigInteger, Computed("tile_of(location, 12)", persisted=True), nullable=False),
    Column("tile14", BigInteger, Computed("tile_of(location, 14)", persisted=True), nullable=False),
    Column("tile16", BigInteger, Computed("tile_of(location, 16)", persisted=True), nullable=False),
    # Visibility and status as coarsely as an index wants them: most callers see what is public and nothing else, and
    # whoever works asks for all that is open.
    Column("public", Boolean, Computed("visibility = 'PUBLIC'", persisted=True), nullable=False),
    Column(
        "stage",
        Text,
        Computed("CASE WHEN status IN ('RESOLVED', 'REJECTED') THEN status ELSE 'OPEN' END", persisted=True),
        nullable=False,
    ),
    Column("submitted_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("due_at", Instant),
    Column("confirmations", Integer, nullable=False, server_default=text("0")),
    Column("last_confirmed_at", Instant),
    Column("version", Integer, nullable=False),
    Column("channel", Text, nullable=False, server_default=text("'APP'")),
    # What was written, where `description` is not: with personal data masked, or hidden altogether and why.
    Column("original", Text),
    Column("hidden_reason", Text),
    Column("resolved_by", Text),
    Column("feedback_until", Instant),  # until then the involved may say that it is not solved
    Column("closed_at", Instant),
    Column("escalated_at", Instant),
    Column("merged_into", UUID, ForeignKey("report.id")),
)
# A page is a short walk along one of these: what narrows the area, who may see it, what narrows the filter, the order.
# Most reports are resolved in the end and few are urgent: those two need no index to be found among the others.
# What comes behind the order is filtered within the index, without a look at the rows.
AREAS = ("neighbourhood", "district", "borough", "municipality", "tile0", "tile12", "tile14", "tile16")
FACETS = {
    None: ((), None),
    "category": (("stage",), None),
    "stage": (("status",), report.c.stage != text("'RESOLVED'")),
    "urgency": (("stage",), report.c.urgency != text("'NORMAL'")),
}
ORDERS = {"submitted_at": (), "updated_at": ("submitted_at",)}
for _area, (_facet, (_with, _only)), _order in product(AREAS, FACETS.items(), ORDERS):
    _name = filter(None, ("report", _area, _facet, _order, "idx"))
    _key = filter(None, (_area, "public", _facet, _order, "id", *_with, *ORDERS[_order]))
    Index("_".join(_name), *(report.c[name] for name in _key), postgresql_where=_only)
Index("report_location_idx", report.c.location, postgresql_using="gist")
Index("report_geography_idx", text("(location::geography)"), postgresql_using="gist", _table=report)
# Words, within an area: without it all of the map would be read for one neighbourhood. What is hidden has another:
# nobody is to wait for words in reports that it can't see. Only a search for words implies the last condition, which
# keeps the planner from using these for anything else.
for _what, _whose in (("public", "public"), ("hidden", "NOT public")):
    Index(
        f"report_{_what}_text_idx",
        *(report.c[name] for name in (*AREAS, "description")),
        postgresql_using="gin",
        postgresql_ops={"description": "gin_trgm_ops"},
        postgresql_where=text(f"{_whose} AND description IS NOT NULL"),
    )
# What the clock does to reports.
Index(
    "report_overdue_idx",
    report.c.due_at,
    postgresql_where=text("escalated_at IS NULL AND stage = 'OPEN' AND merged_into IS NULL"),
)
Index("report_unclosed_idx", report.c.feedback_until, postgresql_where=text("closed_at IS NULL AND stage = 'RESOLVED'"))
Index("report_merged_into_idx", report.c.merged_into, postgresql_where=report.c.merged_into.is_not(None))

status_transition = Table(
    "status_transition",
    metadata,
    Column("from_status", Text, primary_key=True),
    Column("to_status", Text, primary_key=True),
    Column("role", Text, primary_key=True),
)
