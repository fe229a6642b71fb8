"""The pages that links in mails lead to. Opening one changes nothing, as mail servers open every link: a button does.

Mail programs end a subscription by the same POST (RFC 8058).
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import NamedTuple

from itsdangerous import BadData, SignatureExpired
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from api.mails import TEMPLATES
from geo import mailings, preferences
from geo.db import Database
from geo.links import Links

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Said(NamedTuple):
    """What a page says, in Dutch and in English, and on its button."""

    nl: str
    en: str
    button: str | None = None


ASK_CONFIRMATION = Said(
    "Wilt u op dit e-mailadres op de hoogte blijven van meldingen in de buurt?",
    "Do you want to hear of reports in the neighbourhood at this e-mail address?",
    "Ja, dit is mijn adres / Yes, this is my address",
)
CONFIRMED = Said("Uw e-mailadres is bevestigd.", "Your e-mail address is confirmed.")
REPLACED = Said(
    "Dit adres is niet meer in gebruik: er is daarna een ander opgegeven.",
    "This address is not in use any more: another was given after it.",
)
ASK_UNSUBSCRIPTION = Said(
    "Wilt u geen mail meer ontvangen?", "Do you want no more mail?", "Geen mail meer / No more mail"
)
UNSUBSCRIBED = Said("U krijgt geen mail meer.", "You get no more mail.")
EXPIRED = Said(
    "Deze link is verlopen. Geef uw adres nog eens op.", "This link has expired. Give your address once more."
)
BROKEN = Said(
    "Deze link klopt niet. Gebruik hem helemaal, zoals hij in de mail staat.",
    "This link is broken. Use all of it, as it stands in the mail.",
)

Endpoint = Callable[[Request], Awaitable[HTMLResponse]]
_page = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
).get_template("page.html")


def _show(said: Said, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_page.render(said._asdict()), status, HEADERS)


def _answering(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def answer(request: Request) -> HTMLResponse:
        try:
            return await endpoint(request)
        except SignatureExpired:
            return _show(EXPIRED, 410)
        except BadData:
            return _show(BROKEN, 403)

    return answer


def routes(db: Database, links: Links) -> list[Route]:
    """`/mail/confirm/{token}` and `/mail/unsubscribe/{token}`."""

    @_answering
    async def confirm(request: Request) -> HTMLResponse:
        address_id = links.open_confirmation(request.path_params["token"])
        if request.method != "POST":
            return _show(ASK_CONFIRMATION)
        async with db.write() as conn:
            confirmed = await preferences.confirm(conn, address_id)
        return _show(CONFIRMED) if confirmed else _show(REPLACED, 410)

    @_answering
    async def unsubscribe(request: Request) -> HTMLResponse:
        addressee_id = links.open_unsubscription(request.path_params["token"])
        if request.method != "POST":
            return _show(ASK_UNSUBSCRIPTION)
        async with db.write() as conn:
            await mailings.unsubscribe(conn, addressee_id)
        return _show(UNSUBSCRIBED)

    return [
        Route("/mail/confirm/{token}", confirm, methods=["GET", "POST"]),
        Route("/mail/unsubscribe/{token}", unsubscribe, methods=["GET", "POST"]),
    ]
