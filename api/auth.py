"""Bearer tokens, and the viewer they make. The same for HTTP headers and the payload of `connection_init`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey
from uuid_utils.compat import uuid7

from geo.errors import BadToken, TokenExpired, TokenRevoked
from geo.models import Role
from geo.viewer import ANONYMOUS, Viewer

ISSUER = "bart"
_RULES = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER}, exp={"essential": True}, sub={"essential": True}, role={"essential": True}
)
_HINT = "Send `Authorization: Bearer`, a space, and the token as you received it."


def _none(_: Viewer) -> bool:
    """None is revoked."""
    return False


class Tokens:
    """Tokens signed with one secret; `revoked` says which viewers come by one that is not accepted any more."""

    def __init__(self, secret: str, revoked: Callable[[Viewer], bool] = _none) -> None:
        self._key = OctKey.import_key(secret)
        self._revoked = revoked

    def mint(self, role: Role, *, subject: str, organisation: str, areas: frozenset[str], lifetime: timedelta) -> str:
        """A token for one caller. `subject` is a pseudonym within the organisation, never a name."""
        if "/" in organisation:  # two organisations could come to the same party
            raise ValueError("The name of an organisation has no slash.")
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "jti": str(uuid7()),
            "sub": subject,
            "role": role.value,
            "org": organisation,
            "areas": sorted(areas),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    def viewer(self, headers: Mapping[str, object]) -> Viewer:
        """Who is calling, by `authorization` and `bart-resident` (names in lower case); raises `BadToken`."""
        authorization, resident = headers.get("authorization"), headers.get("bart-resident")
        if authorization is None:
            if resident is not None:
                raise BadToken("Bart-Resident comes without a token.", hint="Send it with an app's token.")
            return ANONYMOUS
        scheme, _, token = str(authorization).partition(" ")
        if scheme.lower() != "bearer":
            raise BadToken("This is not a bearer token.", hint=_HINT)
        viewer = self.read(token.strip(), None if resident is None else str(resident))
        if self._revoked(viewer):
            raise TokenRevoked(hint="Ask whoever gave it to you for a new one.")
        return viewer

    def read(self, token: str, resident: str | None = None) -> Viewer:
        """Whom a token makes of a caller, also where it was revoked; raises `BadToken`."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
            _RULES.validate(claims)
            role = Role(claims["role"])
            subject, organisation = str(claims["sub"]), str(claims["org"])
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
            areas = frozenset(map(str, claims["areas"]))
            issued_at = datetime.fromtimestamp(claims["iat"], UTC) if "iat" in claims else None
            token_id = str(claims["jti"]) if "jti" in claims else None
        except ExpiredTokenError:
            raise TokenExpired(hint="Get a new one.") from None
        except (JoseError, KeyError, ValueError, TypeError, OverflowError):
            raise BadToken(hint=_HINT) from None
        if role is Role.APP:
            if resident is not None and not (0 < len(resident) <= 128 and resident.isprintable()):
                raise BadToken("This Bart-Resident can't be used.", hint="A pseudonym of 1 to 128 visible characters.")
            party = resident and f"{organisation}/{resident}"
        elif resident is not None:
            raise BadToken("Only an app may act for a resident.", hint="Leave out Bart-Resident.")
        else:
            party = f"{organisation}/{subject}"
        return Viewer(role, party, organisation, areas, expires_at, issued_at, token_id, subject)
