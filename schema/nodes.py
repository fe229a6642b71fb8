"""The Node interface, and the ids it gives out: opaque, unique over all types."""

from uuid import UUID

import strawberry
from strawberry.relay import GlobalID
from strawberry.relay.types import GlobalIDValueError
from strawberry.relay.utils import to_base64

from geo.errors import InvalidId
from geo.geometry import Path


@strawberry.interface(description="Anything with an id of its own, to be fetched again by `node(id:)`.")
class Node:
    @strawberry.field(description='Unique over all types, and opaque. Example: `"UmVwb3J0OjAxOTMuLi4="`.')
    def id(self) -> strawberry.ID:
        return make_id(type(self).__name__, self.key())

    def key(self) -> object:
        """What tells this thing from others of its type."""
        raise NotImplementedError


def make_id(kind: str, key: object) -> strawberry.ID:
    return strawberry.ID(to_base64(kind, str(key)))


def read_id(value: str, path: Path) -> tuple[str, str]:
    """The type and the key of an id; raises `InvalidId`."""
    try:
        found = GlobalID.from_id(value)
    except GlobalIDValueError:
        raise InvalidId(
            f'"{value[:80]}" is not an id.', path=path, hint="Pass an `id` as you received it from this API."
        ) from None
    return found.type_name, found.node_id


def read_uuid(value: str, kind: str, path: Path) -> UUID:
    """The key of an id that must be of this type; raises `InvalidId`."""
    found, key = read_id(value, path)
    try:
        if found == kind:
            return UUID(key)
    except ValueError:
        pass
    raise InvalidId(f'"{value[:80]}" is not the id of a {kind}.', path=path, hint=f"Pass the `id` of a {kind}.")
