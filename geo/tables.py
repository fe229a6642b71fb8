"""The tables. Alembic's `check` holds migrations/ to this file.

Enumerations are stored as text: adding a value needs no lock on a live table, and `geo.models` holds the values.
"""

from itertools import product

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)

Instant = DateTime(timezone=True)
PointColumn = Geometry("POINT", srid=4326, spatial_index=False)
MultiPolygonColumn = Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)

# One row is one version of an area: STAGED while a map is being loaded, LIVE while in force, ENDED after that.
area = Table(
    "area",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_code", Text),
    Column("municipality_code", Text, nullable=False),
    Column("approximate", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("successor_code", Text),  # of the last version of an ENDED code: the one to follow to
    Column("geom", MultiPolygonColumn, nullable=False),
    # Of all that the file said: an unchanged area is not replaced. Null: no file named this municipality yet, it is
    # the union of its areas.
    Column("digest", LargeBinary),
)
Index("area_live_code_key", area.c.code, unique=True, postgresql_where=area.c.state == text("'LIVE'"))
Index("area_live_geom_idx", area.c.geom, postgresql_using="gist", postgresql_where=area.c.state == text("'LIVE'"))
Index("area_staged_geom_idx", area.c.geom, postgresql_using="gist", postgresql_where=area.c.state == text("'STAGED'"))
Index("area_live_parent_code_idx", area.c.parent_code, postgresql_where=area.c.state == text("'LIVE'"))
Index("area_municipality_code_kind_idx", area.c.municipality_code, area.c.kind)
Index("area_kind_code_idx", area.c.kind, area.c.code, postgresql_where=area.c.state == text("'LIVE'"))
Index("area_followed_code_key", area.c.code, unique=True, postgresql_where=area.c.successor_code.is_not(None))
Index("area_successor_code_idx", area.c.successor_code)

# Municipalities whose map has changed and whose reports may still carry the codes of the older one.
pending_recode = Table("pending_recode", metadata, Column("municipality_code", Text, primary_key=True))

# What a municipality decided for itself; no row means the safe default of every column.
municipality_policy = Table(
    "municipality_policy",
    metadata,
    Column("code", Text, primary_key=True),
    Column("anonymous_submit", Boolean, nullable=False, server_default=text("false")),
)

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

# Who has to do with a report. A party is a pseudonym (`organisation/subject`), never a name.
involvement = Table(
    "involvement",
    metadata,
    Column("report_id", UUID, ForeignKey("report.id"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("since", Instant, nullable=False),
)
Index(None, involvement.c.party, involvement.c.report_id)

confirmation = Table(
    "confirmation",
    metadata,
    Column("report_id", UUID, ForeignKey("report.id"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

upload = Table(
    "upload",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("party", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("stored_at", Instant),
    Column("width", Integer),
    Column("height", Integer),
)
Index(None, upload.c.expires_at)

evidence = Table(
    "evidence",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("report_id", UUID, ForeignKey("report.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("remark", Text),
    Column("upload_id", UUID, ForeignKey("upload.id"), unique=True),
    Column("party", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
)
Index(None, evidence.c.report_id, evidence.c.added_at, evidence.c.id)

status_transition = Table(
    "status_transition",
    metadata,
    Column("from_status", Text, primary_key=True),
    Column("to_status", Text, primary_key=True),
    Column("role", Text, primary_key=True),
)

# The outbox and the public timeline at once. `position` is given after the commit (geo/feed.py says why).
event = Table(
    "event",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("position", BigInteger, unique=True),
    Column("report_id", UUID, ForeignKey("report.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB, nullable=False),
    Column("detail", JSONB, nullable=False),
    UniqueConstraint("report_id", "version"),
)
Index("event_unplaced_idx", event.c.at, postgresql_where=event.c.position.is_(None))

# One row. A new epoch (a restored back-up) makes every older cursor start over. The version of the map rises with each
# replacement: who watches an area by its code looks again where that leads.
feed = Table(
    "feed",
    metadata,
    Column("only", SmallInteger, primary_key=True, server_default=text("1")),
    Column("epoch", UUID, nullable=False, server_default=func.gen_random_uuid()),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("map_version", BigInteger, nullable=False, server_default=text("0")),
)

# The first answer given for a key; `outcome` is null only inside the transaction that is working on it.
idempotency = Table(
    "idempotency",
    metadata,
    Column("party", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("outcome", UUID),
    Column("at", Instant, nullable=False),
)
Index(None, idempotency.c.at)
