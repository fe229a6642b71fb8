from pathlib import Path

import pytest

from geo.db import Database
from tests.geo.maps import Importer


@pytest.fixture
def load(db: Database, tmp_path: Path) -> Importer:
    """Imports features into an empty database."""
    return Importer(db, tmp_path)
