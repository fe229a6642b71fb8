"""What `make run` prints: where it runs, a token for each demo role, and three operations to paste."""

from datetime import timedelta

from api.auth import Tokens
from api.settings import Settings
from geo.models import Role

HAGUE = frozenset({"GM0518"})
DEMO = {  # role -> organisation and territory
    Role.RESIDENT: ("demo-bewoners", frozenset[str]()),
    Role.APP: ("demo-app", frozenset[str]()),
    Role.PARTNER: ("demo-reiniging", frozenset[str]()),
    Role.OFFICER: ("demo-gemeente", HAGUE),
    Role.POLICE: ("demo-politie", HAGUE),
    Role.ADMIN: ("demo-beheer", HAGUE),
}
QUERY = '{ reports(area: {code: "WK051829"}, first: 3) { nodes { number status description } } }'
MUTATION = (
    'mutation { submitReport(input: {category: "glas", description: "Glas rond de glasbak", '
    "location: {lon: 4.3007, lat: 52.0705}, confirmNew: true}) "
    "{ __typename ... on ReportSubmitted { report { number } } ... on Problem { message hint } } }"
)
SUBSCRIPTION = (
    'subscription { reportEvents(area: {code: "WK051829"}) '
    "{ __typename ... on ReportEvent { version report { number status } } } }"
)


def banner(settings: Settings) -> str:
    tokens = Tokens(settings.key())
    lines = [f"BART  GraphiQL and API: {settings.url}/graphql   health: {settings.url}/readyz"]
    for role, (organisation, areas) in DEMO.items():
        minted = tokens.mint(role, subject="demo", organisation=organisation, areas=areas, lifetime=timedelta(days=30))
        lines.append(f"{role.lower():9} {minted}")
    lines += [
        "Paste into GraphiQL, one in each tab (header: Authorization: Bearer TOKEN):",
        QUERY,
        MUTATION,
        SUBSCRIPTION,
    ]
    lines.append("Ctrl-C stops it.")
    return "\n".join(lines)
