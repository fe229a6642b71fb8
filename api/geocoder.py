"""Geocoders: the Locatieserver of PDOK, the open map services of the Dutch government, or none."""

import asyncio
import re
import ssl

import httpx
import structlog

from geo.models import Point
from geo.places import FoundPlace, Geocoder

SECONDS = 3.0  # for the whole answer: a resident waits for it
MOST = 5
FIELDS = "weergavenaam,centroide_ll,score"
TYPES = "type:(adres OR weg OR postcode)"  # what is larger, such as a town, is not where a report is
_POINT = re.compile(r"POINT\(([-\d.]+) ([-\d.]+)\)")
log = structlog.get_logger()


class NoGeocoder:
    """Finds nothing: whoever passes on a place in words is asked for one in degrees."""

    async def find(self, text: str, municipality: str | None) -> list[FoundPlace]:
        return []


class PdokGeocoder:
    """Asks a Locatieserver by its base address, through its free search (API version 3.1)."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._tls = ssl.create_default_context()  # once: it reads all certificates

    async def find(self, text: str, municipality: str | None) -> list[FoundPlace]:
        """As `geo.places.Geocoder` says. A service that does not answer finds nothing, and the log says so."""
        only = [TYPES] if municipality is None else [TYPES, f'gemeentenaam:"{municipality}"']
        asked: dict[str, str | int | list[str]] = {"q": text, "rows": MOST, "fl": FIELDS, "fq": only}
        try:
            async with asyncio.timeout(SECONDS), httpx.AsyncClient(verify=self._tls, timeout=SECONDS) as http:
                answer = await http.get(f"{self._url}/search/v3_1/free", params=asked)
            answer.raise_for_status()
            return [place for one in answer.json()["response"]["docs"] if (place := _place(one))]
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("geocoder_failed", error=type(error).__name__)
            return []


def make_geocoder(url: str) -> Geocoder:
    return PdokGeocoder(url) if url else NoGeocoder()


def _place(told: dict[str, object]) -> FoundPlace | None:
    found = _POINT.fullmatch(str(told["centroide_ll"]))
    if found is None:
        return None
    return FoundPlace(str(told["weergavenaam"]), Point(float(found[1]), float(found[2])), float(str(told["score"])))
