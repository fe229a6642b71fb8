"""Looking up a place: what a Locatieserver is asked and answers, over a real socket, and what is said when it fails."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from api import geocoder
from api.geocoder import NoGeocoder, PdokGeocoder, make_geocoder
from geo.models import Point
from geo.places import FoundPlace

pytestmark = pytest.mark.anyio
TEXT = "hoek Kwikstaartlaan bij de bakker"


def told(name: str, score: float, at: str = "POINT(4.3007 52.0705)") -> dict[str, Any]:
    return {"type": "weg", "weergavenaam": name, "centroide_ll": at, "score": score}


@dataclass
class Service:
    """A Locatieserver that answers as it is told to, with whatever it was asked."""

    url: str = ""
    answer: Response = field(default_factory=lambda: JSONResponse({"response": {"docs": []}}))
    asked: list[QueryParams] = field(default_factory=list)
    silent: bool = False

    def finds(self, *docs: dict[str, Any]) -> None:
        self.answer = JSONResponse({"response": {"numFound": len(docs), "start": 0, "docs": docs}})

    async def free(self, request: Request) -> Response:
        self.asked.append(request.query_params)
        while self.silent and (await request.receive())["type"] != "http.disconnect":
            pass
        return self.answer


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    found = Service()
    app = Starlette(routes=[Route("/base/search/v3_1/free", found.free)])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        found.url = f"http://127.0.0.1:{listening.getsockname()[1]}/base"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield found
        server.should_exit = True
        await serving


async def test_finds_places_the_likeliest_first(service: Service) -> None:
    service.finds(told("Kwikstaartlaan, Vogeldam", 9.5), told("Kwikstaartpad, Vogeldam", 7.25, "POINT(4.31 52.08)"))
    assert await make_geocoder(service.url + "/").find(TEXT, None) == [
        FoundPlace("Kwikstaartlaan, Vogeldam", Point(4.3007, 52.0705), 9.5),
        FoundPlace("Kwikstaartpad, Vogeldam", Point(4.31, 52.08), 7.25),
    ]
    assert service.asked[0]["q"] == TEXT
    assert service.asked[0]["rows"] == "5"
    assert service.asked[0].getlist("fq") == ["type:(adres OR weg OR postcode)"]


async def test_looks_within_a_municipality(service: Service) -> None:
    await PdokGeocoder(service.url).find(TEXT, "'s-Gravenhage")
    assert service.asked[0].getlist("fq")[1:] == ['gemeentenaam:"\'s-Gravenhage"']


async def test_passes_over_a_place_without_a_point(service: Service) -> None:
    service.finds(told("Nergens", 9, "POLYGON((4 52, 5 52, 5 53, 4 52))"), told("Vogeldam", 3))
    assert [place.name for place in await PdokGeocoder(service.url).find(TEXT, None)] == ["Vogeldam"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("bezet", 503), "HTTPStatusError"),
        (Response("<html>"), "JSONDecodeError"),
        (JSONResponse({"error": "ongeldig"}), "KeyError"),
        (JSONResponse([]), "TypeError"),
    ],
)
async def test_a_service_that_fails_finds_nothing_and_is_logged_without_the_text(
    service: Service, answer: Response, error: str
) -> None:
    service.answer = answer
    with capture_logs() as logs:
        assert await PdokGeocoder(service.url).find(TEXT, None) == []
    assert logs == [{"event": "geocoder_failed", "error": error, "log_level": "warning"}]


async def test_a_service_that_is_silent_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geocoder, "SECONDS", 0.2)
    service.silent = True
    with capture_logs() as logs:
        assert await PdokGeocoder(service.url).find(TEXT, None) == []
    assert [log["error"] for log in logs] in (["TimeoutError"], ["ReadTimeout"])


async def test_a_service_that_is_gone_finds_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with capture_logs() as logs:
        assert await PdokGeocoder(url).find(TEXT, None) == []
    assert [log["error"] for log in logs] == ["ConnectError"]


async def test_without_a_service_nothing_is_found() -> None:
    nobody = make_geocoder("")
    assert isinstance(nobody, NoGeocoder)
    assert await nobody.find(TEXT, "Vogeldam") == []
