import sys

from api.cli import cli
from api.postgres import ClusterError

try:
    cli()
except ClusterError as error:
    sys.exit(f"The private PostgreSQL can't be used: {error}")
