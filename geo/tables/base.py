"""What all tables share.

Enumerations are stored as text: adding a value needs no lock on a live table, and `geo.models` holds the values.
"""

from geoalchemy2 import Geometry
from sqlalchemy import DateTime, MetaData

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
