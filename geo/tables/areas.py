"""Areas, and what their municipality decided."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from geo.tables.base import Instant, MultiPolygonColumn, metadata

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
