"""Who writes and who watches: made-up callers, each with a token of an hour."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx

from api.auth import Tokens
from geo.demo.areas import MUNICIPALITY
from geo.models import Role
from tests.chaos.servers import SECRET

CITY: Final = frozenset({MUNICIPALITY})


@dataclass(frozen=True)
class Person:
    """A caller; without a name, the anonymous one. `areas` is the territory of an authority."""

    role: Role = Role.ANONYMOUS
    name: str | None = None
    areas: frozenset[str] = frozenset()

    @property
    def party(self) -> str | None:
        """The pseudonym under which it is involved in reports."""
        return self.name and f"chaos/{self.name}"

    @property
    def headers(self) -> dict[str, str]:
        if self.name is None:
            return {}
        token = Tokens(SECRET).mint(
            self.role, subject=self.name, organisation="chaos", areas=self.areas, lifetime=timedelta(hours=1)
        )
        return {"Authorization": f"Bearer {token}"}


ANYBODY = Person()
RESIDENTS = tuple(Person(Role.RESIDENT, f"resident-{number}") for number in range(3))
DESK = Person(Role.OFFICER, "desk", CITY)
DISTRICT_DESK = Person(Role.OFFICER, "district-desk", frozenset({"WK051829", "WK051828"}))
TEAM = Person(Role.POLICE, "team", CITY)


def calling(person: Person) -> httpx.AsyncClient:
    """An HTTP client of this person. Without certificates, which take longer to load than a request takes."""
    return httpx.AsyncClient(headers=person.headers, verify=False, timeout=60)


def read_id(node: str) -> str:
    """The UUID in the id of a report."""
    return b64decode(node).decode().partition(":")[2]
