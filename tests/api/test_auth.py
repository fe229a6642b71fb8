"""Bearer tokens: whom they make of a caller, and that nothing but ours makes anybody."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from api.auth import ISSUER, Tokens
from geo.errors import BadToken, TokenExpired
from geo.models import Role
from geo.viewer import ANONYMOUS, Viewer
from tests.conftest import SECRET, Served

TOKENS = Tokens(SECRET)
LATER = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "desk",
    "role": "OFFICER",
    "org": "gemeente",
    "areas": ["GM0518"],
    "exp": LATER,
}


def signed(claims: dict[str, Any], *, key: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def viewer(token: object, resident: str | None = None) -> Viewer:
    headers: dict[str, object] = {"authorization": f"Bearer {token}"}
    return TOKENS.viewer(headers if resident is None else {**headers, "bart-resident": resident})


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ANONYMOUS, Role.APP)])
def test_a_minted_token_makes_the_viewer_it_was_minted_for(role: Role) -> None:
    areas = frozenset({"GM0518", "WK051829"})
    token = TOKENS.mint(role, subject="desk", organisation="gemeente", areas=areas, lifetime=timedelta(hours=1))
    made = viewer(token)
    assert (made.role, made.party, made.organisation, made.areas) == (role, "gemeente/desk", "gemeente", areas)
    assert made.expires_at
    assert timedelta(minutes=59) < made.expires_at - datetime.now(UTC) <= timedelta(hours=1)


def test_an_app_acts_for_the_resident_it_names_and_else_for_nobody() -> None:
    token = TOKENS.mint(Role.APP, subject="app", organisation="buurt", areas=frozenset(), lifetime=timedelta(hours=1))
    assert viewer(token).party is None
    assert viewer(token, "anna").party == "buurt/anna"
    for strange in ("", "x" * 129, "a\nb", "a\x00b", "\u202e"):
        with pytest.raises(BadToken):
            viewer(token, strange)


def test_only_an_app_acts_for_a_resident() -> None:
    with pytest.raises(BadToken, match="Only an app"):
        viewer(signed(CLAIMS), "anna")
    with pytest.raises(BadToken, match="without a token"):
        TOKENS.viewer({"bart-resident": "anna"})


def test_two_organisations_have_no_party_in_common() -> None:
    with pytest.raises(ValueError, match="no slash"):
        TOKENS.mint(Role.APP, subject="c", organisation="a/b", areas=frozenset(), lifetime=timedelta(hours=1))


def test_who_sends_nothing_is_anonymous() -> None:
    assert TOKENS.viewer({}) is ANONYMOUS


FORGED = {
    "no algorithm": f"{part({'alg': 'none'})}.{part(CLAIMS)}.",
    "no algorithm, signed": f"{part({'alg': 'none'})}.{part(CLAIMS)}.{signed(CLAIMS).rpartition('.')[2]}",
    "no signature": signed(CLAIMS).rpartition(".")[0] + ".",
    "another key": signed(CLAIMS, key="another secret, of more than 32 characters"),
    "another algorithm": signed(CLAIMS, algorithm="HS512"),
    "another role": ".".join(
        [signed(CLAIMS).split(".")[0], part({**CLAIMS, "role": "ADMIN"}), signed(CLAIMS).split(".")[2]]
    ),
    "another key, expired": signed({**CLAIMS, "exp": 1}, key="another secret, of more than 32 characters"),
    "another issuer": signed({**CLAIMS, "iss": "elsewhere"}),
    "an unknown role": signed({**CLAIMS, "role": "KING"}),
    "a role of the wrong type": signed({**CLAIMS, "role": ["ADMIN"]}),
    "an end of the wrong type": signed({**CLAIMS, "exp": "tomorrow"}),
    "an end without end": signed({**CLAIMS, "exp": 10**30}),
    "areas of the wrong type": signed({**CLAIMS, "areas": 5}),
    **{f"no {name}": signed({k: v for k, v in CLAIMS.items() if k != name}) for name in CLAIMS},
    "no claims": signed({}),
    "claims that are none": f"{part({'alg': 'HS256'})}.{part([1])}.x",
    "nothing": "",
    "dots": "..",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_makes_nobody(token: str) -> None:
    with pytest.raises(BadToken) as refused:
        viewer(token)
    assert refused.value.code == "BadToken"
    assert refused.value.hint


def test_an_expired_token_makes_nobody() -> None:
    with pytest.raises(TokenExpired) as refused:
        viewer(signed({**CLAIMS, "exp": LATER - 3601}))
    assert (refused.value.code, bool(refused.value.hint)) == ("TokenExpired", True)


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "BearerX ", " Bearer "])
def test_only_bearer_tokens_are_read(scheme: str) -> None:
    with pytest.raises(BadToken):
        TOKENS.viewer({"authorization": scheme + signed(CLAIMS)})


@given(st.text() | st.binary().map(str) | st.lists(st.text(), min_size=3, max_size=3).map(".".join))
def test_no_text_makes_anybody(text: str) -> None:
    for value in (text, f"Bearer {text}"):
        with pytest.raises(BadToken):
            TOKENS.viewer({"authorization": value})


@given(st.data())
def test_no_change_of_a_token_makes_another(data: st.DataObject) -> None:
    token = signed(CLAIMS)
    place = data.draw(st.integers(0, len(token) - 2))  # the last character also has bits that mean nothing
    changed = token[:place] + data.draw(st.characters(codec="ascii")) + token[place + 1 :]
    if changed != token:
        with pytest.raises(BadToken):
            viewer(changed)


@pytest.mark.anyio
async def test_a_bad_token_is_401_and_nothing_is_read_or_done(shared: Served) -> None:
    expired = signed({**CLAIMS, "exp": LATER - 3601})
    cases = [
        ({"Authorization": f"Bearer {expired}"}, "TokenExpired"),
        ({"Authorization": f"Bearer {FORGED['another key']}"}, "BadToken"),
        ({"Authorization": f"Bearer {FORGED['no algorithm']}"}, "BadToken"),
        ({"Bart-Resident": "anna"}, "BadToken"),
    ]
    async with httpx.AsyncClient() as http:
        for headers, code in cases:
            answer = await http.post(shared.graphql, json={"query": "{ viewer { role } }"}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            (error,) = answer.json()["errors"]
            assert error["extensions"]["code"] == code
            assert error["extensions"]["hint"]
            assert "data" not in answer.json()
