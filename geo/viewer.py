"""Who is calling, decided once at the edge and passed down unchanged."""

from dataclasses import dataclass, field
from datetime import datetime

from geo.errors import NotPermitted
from geo.models import ActorKind, Role

AUTHORITIES = frozenset({Role.OFFICER, Role.POLICE, Role.ADMIN})

_ACTORS = {
    Role.OFFICER: ActorKind.MUNICIPALITY,
    Role.ADMIN: ActorKind.MUNICIPALITY,
    Role.POLICE: ActorKind.POLICE,
    Role.PARTNER: ActorKind.PARTNER,
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """One caller.

    `party` is the pseudonym under which the caller is involved in reports (`organisation/subject`), None for an
    anonymous one and for an app that acts for nobody. `areas` are the codes an authority works in. The rest is about
    the token, made for a `subject` of the organisation: two tokens of one caller make the same viewer.
    """

    role: Role
    party: str | None = None
    organisation: str | None = None
    areas: frozenset[str] = frozenset()
    expires_at: datetime | None = field(default=None, compare=False)
    issued_at: datetime | None = field(default=None, compare=False)
    token_id: str | None = field(default=None, compare=False)
    subject: str | None = field(default=None, compare=False)

    @property
    def actor(self) -> ActorKind:
        return _ACTORS.get(self.role, ActorKind.RESIDENT)

    @property
    def rights(self) -> "Viewer":
        """What decides on what it may see, but for what its party is involved in."""
        return Viewer(self.role, areas=self.areas) if self.is_authority else ANONYMOUS

    @property
    def is_authority(self) -> bool:
        return self.role in AUTHORITIES

    def works_in(self, codes: tuple[str, ...]) -> bool:
        """Whether a place with these area codes lies in the caller's territory; an admin's is everywhere."""
        return self.role is Role.ADMIN or (self.is_authority and not self.areas.isdisjoint(codes))

    def known_party(self) -> str:
        """The caller's party; raises `NotPermitted` for a caller that acts for nobody in particular."""
        if self.party is None:
            raise NotPermitted(
                "This needs to know who you are.",
                hint="Send a bearer token; an app names the resident it acts for in the header Bart-Resident.",
            )
        return self.party


ANONYMOUS = Viewer(Role.ANONYMOUS)
