"""The story of the glass, played against a running server by five clients: what BART is for, from end to end.

Each step names the koppelvlak (interface) that it shows. What does not go as it should ends the story with an error.
"""

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from api.story_cast import Caller, Json, Mailbox, Watcher, calling, expect, watching

DISTRICT = {"code": "WK051829"}  # Schildersbuurt
WATCH_REPORTS = """
subscription($area: AreaInput!, $filter: ReportFilter, $after: Cursor) {
  reportEvents(area: $area, filter: $filter, after: $after) {
    __typename ... on ReportEvent { reportId version actor report { status urgency description } }
  }
}
"""
WATCH_ALERTS = """
subscription($area: AreaInput!, $after: Cursor) {
  alertEvents(area: $area, after: $after) { __typename ... on AlertEvent { alertId alert { text } } }
}
"""
WATCH_NOTIFICATIONS = """
subscription($after: Cursor) {
  notifications(after: $after) {
    __typename ... on NotificationReceived { notification { text asksForRating report { id } } }
  }
}
"""
REGISTERED = """
... on MessageRegistered { event { reportId } suggestions { category { slug name } score reasons } }
... on MessageMatched { matches { score } }
... on PlaceUnclear { suggestions { category { name } } }
"""
SUBMITTED = """
... on ReportSubmitted { reportId emergencyAdvice { phone text } category { guidance borrow { what where } } }
... on SimilarReportsFound { matches { score reasons report { id number } } }
"""
STATS = "query($a: AreaInput!, $s: DateTime!) { areaStats(area: $a, since: $s) { resolved resolvedByResidents } }"

Say = Callable[[str, str], None]  # the koppelvlak, and what happened


@dataclass(frozen=True)
class Tokens:
    """The bearer tokens of those who play."""

    app: str
    neighbour: str
    officer: str
    police: str


async def play(url: str, tokens: Tokens, say: Say, mailbox: Mailbox | None = None) -> Json:
    """Play it all; returns the ids of what was made. Mails are read where there is a mailbox."""
    async with _cast(url, tokens, say, mailbox) as cast:
        await cast.monitor()
        await cast.match()
        await cast.enrich()
        await cast.handle()
        await cast.feed_back()
        await cast.do_it_yourself()
        await cast.alert()
        await cast.emergency()
        await cast.older_channels()
        await cast.take_back()
        return cast.made


@asynccontextmanager
async def _cast(url: str, tokens: Tokens, say: Say, mailbox: Mailbox | None) -> "AsyncIterator[Cast]":
    """Everybody in their place, watching from now on."""
    once = token_hex(4)  # who reports, and where, is new each time, so that the story can be told again
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(calling(url, tokens.app, **{"Bart-Resident": f"anna-{once}"}))
        app, bram, officer, police = [
            await stack.enter_async_context(calling(url, token))
            for token in (tokens.app, tokens.neighbour, tokens.officer, tokens.police)
        ]
        asked = "query($a: AreaInput!) { reports(area: $a, first: 1) { liveCursor } }"
        after = (await bram.run(asked, a=DISTRICT))["reports"]["liveCursor"]
        urgent = {"urgencies": ["EMERGENCY"]}
        yield Cast(
            once=once,
            place={
                "lon": 4.3007 + random.uniform(-0.002, 0.002),  # noqa: S311 - nothing here is secret
                "lat": 52.0705 + random.uniform(-0.001, 0.001),  # noqa: S311
            },
            app=app,
            anna=anna,
            bram=bram,
            officer=officer,
            police=police,
            street=await stack.enter_async_context(watching(bram, WATCH_REPORTS, area=DISTRICT, after=after)),
            queue=await stack.enter_async_context(
                watching(police, WATCH_REPORTS, area=DISTRICT, filter=urgent, after=after)
            ),
            alerts=await stack.enter_async_context(watching(bram, WATCH_ALERTS, area=DISTRICT, after=after)),
            told=await stack.enter_async_context(watching(anna, WATCH_NOTIFICATIONS, after=after)),
            say=say,
            mailbox=mailbox,
        )


@dataclass
class Cast:
    """Anna writes in an app, Bram is her neighbour, and each authority has somebody at work."""

    once: str
    place: Json
    app: Caller
    anna: Caller
    bram: Caller
    officer: Caller
    police: Caller
    street: Watcher
    queue: Watcher
    alerts: Watcher
    told: Watcher
    say: Say
    mailbox: Mailbox | None
    made: Json = field(default_factory=dict)

    @property
    def glass(self) -> str:
        """The id of the report that it is all about."""
        return str(self.made["glass"])

    async def monitor(self) -> None:
        message: dict[str, Any] = {
            "source": "buurtapp",
            "externalId": f"post-{self.once}",
            "author": f"anna-{self.once}",
            "text": "Alweer glasscherven rond de glasbak, kan daar niemand iets aan doen?",
        }
        refused = await self.app.attempt("registerMessage", REGISTERED, **message)
        expect(refused.get("code") == "ConsentMissing", f"a message without consent was not refused: {refused}")
        self.say("Monitoren", "Anna grumbles in an app. Without her consent nothing is kept.")
        given = datetime.now(UTC) - timedelta(minutes=1)
        consent = {"givenAt": given.isoformat(), "purposes": ["REGISTER"], "textVersion": "2026-03"}
        asked = await self.app.mutate("registerMessage", REGISTERED, **message, consent=consent)
        expect(asked["__typename"] == "PlaceUnclear", f"nobody was asked where it is: {asked}")
        self.say("Monitoren", "She consents. BART knows what it is about, and asks where it is.")
        located = {**message, "consent": consent, "location": self.place, "confirmNew": True}
        made = await self.app.mutate("registerMessage", REGISTERED, **located)
        best = made["suggestions"][0]
        expect(best["category"]["slug"] == "glas", f"it is taken to be about {best}")
        self.made["glass"] = made["event"]["reportId"]
        why = ", ".join(best["reasons"])
        self.say("Registratie", f"It is a report: {best['category']['name']} ({best['score']:.2f}: {why}).")
        await self.street.until("ReportSubmitted", reportId=self.glass)
        self.say("Publiceren", "Whoever watches the neighbourhood sees it.")
        if self.mailbox is not None:
            await self._mail_me(self.mailbox)

    async def _mail_me(self, mailbox: Mailbox) -> None:
        """Anna wants to be mailed, and confirms her address."""
        address = f"anna-{self.once}@buurt.example"
        made = "... on Preferences { emailConfirmed }"
        await self.anna.mutate("setPreferences", made, mail="EACH", email=address)
        await mailbox.confirm(address)

    async def match(self) -> None:
        near = {**self.place, "lon": self.place["lon"] + 0.0002}
        draft = {"category": "glas", "description": "Overal glas bij de glasbak", "location": near}
        found = await self.bram.mutate("submitReport", SUBMITTED, **draft)
        expect(found["__typename"] == "SimilarReportsFound", f"it was filed a second time: {found}")
        (match,) = [match for match in found["matches"] if match["report"]["id"] == self.glass]
        why = ", ".join(match["reasons"])
        self.say("Duiding", f"Bram reports the same. It is shown to him instead ({match['score']:.2f}: {why}).")

    async def enrich(self) -> None:
        await self.bram.mutate("confirmReport", reportId=self.glass, verdict="STILL_THERE")
        await self.street.until("ReportConfirmed", reportId=self.glass)
        self.say("Valideren", "He says that it is still there.")
        remark = "Ook op de stoep ligt glas."
        await self.bram.mutate("addEvidence", reportId=self.glass, remark=remark, uploadId=await self.bram.upload())
        await self.street.until("EvidenceAdded", reportId=self.glass)
        self.say("Verrijken", "He adds a photo and a remark.")
        text = await self._told("foto")
        self.say("Notificeren", f'Anna is told: "{text}"')

    async def _told(self, about: str) -> str:
        """The next that Anna is told of the glass with this word in it."""
        while True:
            told = (await self.told.until("NotificationReceived"))["notification"]
            if about in told["text"].lower() and told["report"] and told["report"]["id"] == self.glass:
                return str(told["text"])

    async def handle(self) -> None:
        steps = (("SCHEDULED", "Staat op de route van vandaag."), ("UNDER_WAY", "Onze ploeg is onderweg."))
        for status, remark in steps:
            await self.officer.mutate("changeStatus", reportId=self.glass, to=status, remark=remark)
            await self.street.until("StatusChanged", reportId=self.glass)
            self.say("Muteren", f"The municipality: {remark}")
        refused = await self.officer.attempt(
            "changeStatus", "... on TransitionNotAllowed { allowed }", reportId=self.glass, to="ADOPTED"
        )
        expect("RESOLVED" in refused.get("allowed", []), f"a step that is not allowed does not name others: {refused}")
        await self.officer.mutate("changeStatus", reportId=self.glass, to="RESOLVED", remark="Geveegd.")
        await self.street.until("StatusChanged", reportId=self.glass)
        self.say("Behandeling", "It is swept, and resolved.")

    async def feed_back(self) -> None:
        text = await self._told("opgelost")
        self.say("Terugkoppeling", f'Anna is told, and asked whether it is so: "{text}"')
        if self.mailbox is not None:
            mail = await self.mailbox.read(f"anna-{self.once}@buurt.example", "opgelost")
            self.say("Terugkoppeling", f"And by mail: {mail.splitlines()[0]}")
        rated: Json = {"reportId": self.glass, "solved": False, "score": 2, "why": "Er ligt nog van alles."}
        await self.anna.mutate("rateResolution", **rated)
        await self.street.until("ResolutionRated", reportId=self.glass)
        event = await self.street.until("StatusChanged", reportId=self.glass)
        expect(event["report"]["status"] == "REPORTED", f"it was not opened again: {event}")
        self.say("Terugkoppeling", "She says that it is not: it is open again.")

    async def do_it_yourself(self) -> None:
        since = (datetime.now(UTC) - timedelta(days=7)).isoformat()
        before = (await self.bram.run(STATS, a=DISTRICT, s=since))["areaStats"]
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        await self.bram.mutate("adoptReport", reportId=self.glass, until=until)
        await self.street.until("ReportAdopted", reportId=self.glass)
        self.say("Zelfredzaamheid", "Bram takes it on himself, until tomorrow.")
        await self.bram.mutate("completeAdoption", reportId=self.glass, uploadId=await self.bram.upload())
        await self.street.until("AdoptionCompleted", reportId=self.glass)
        await self.anna.mutate("confirmReport", reportId=self.glass, verdict="GONE")
        await self.anna.mutate("thankAdopter", reportId=self.glass)
        await self.street.until("AdopterThanked", reportId=self.glass)
        self.say("Zelfredzaamheid", "He sweeps it up and shows a photo. Anna agrees, and thanks him.")
        await self.anna.mutate("rateResolution", reportId=self.glass, solved=True, score=5)
        after = (await self.bram.run(STATS, a=DISTRICT, s=since))["areaStats"]
        expect(after["resolvedByResidents"] == before["resolvedByResidents"] + 1, f"it is not counted: {after}")
        self.say(
            "Zelfredzaamheid", f"{after['resolvedByResidents']} of {after['resolved']} here were solved by residents."
        )

    async def alert(self) -> None:
        published = await self.police.mutate(
            "publishAlert",
            "... on AlertEvent { alertId }",
            area=DISTRICT,
            severity="WARNING",
            text="Veel auto-inbraken in uw buurt.",
            advice="Laat niets in uw auto liggen.",
            validUntil=(datetime.now(UTC) + timedelta(hours=8)).isoformat(),
        )
        alert = self.made["alert"] = published["alertId"]
        await self.alerts.until("AlertPublished", alertId=alert)
        self.say("Waarschuwing", "The police warn the neighbourhood, which hears it at once.")
        await self.bram.mutate("answerAlert", alertId=alert, text="Twee jongens voelden aan portieren.")
        asked = "query($id: ID!) { node(id: $id) { ... on Alert { answers { nodes { text } } } } }"
        heard = (await self.police.run(asked, id=alert))["node"]["answers"]["nodes"]
        overheard = (await self.officer.run(asked, id=alert))["node"]["answers"]
        expect(len(heard) == 1 and not overheard, f"who reads the answers: {heard}, {overheard}")
        self.say("Waarschuwing", "Bram answers what he saw; the police alone read it.")
        await self.police.mutate("withdrawAlert", alertId=alert)

    async def emergency(self) -> None:
        text = "Er komt gas uit een gat in de weg"
        draft = {"category": "gaslucht", "description": text, "location": self.place, "urgency": "EMERGENCY"}
        began = time.perf_counter()
        made = await self.bram.mutate("submitReport", SUBMITTED, **draft)
        event = await self.queue.until("ReportSubmitted", reportId=made["reportId"])
        took = time.perf_counter() - began
        expect(made["emergencyAdvice"]["phone"] == "112", f"he is not told to phone 112: {made}")
        expect(took < 1, f"the police had it after {took:.1f} s")
        urgency = event["report"]["urgency"]
        self.say(
            "Spoed", f"{made['emergencyAdvice']['text']} The police have it ({urgency}) after {took * 1000:.0f} ms."
        )

    async def older_channels(self) -> None:
        place = {**self.place, "lat": self.place["lat"] + 0.003}
        draft = {"category": "lantaarn-uit", "description": "Mevrouw belt: de lantaarn is uit", "location": place}
        contact = {"name": "Mevrouw Voorbeeld", "email": f"mevrouw-{self.once}@buurt.example"}
        called = await self.officer.mutate(
            "submitReport", SUBMITTED, **draft, channel="CALL", contact=contact, confirmNew=True
        )
        self.made["call"] = called["reportId"]
        self.say("Click, Call, Face", "A lady phones; the official types it in, with her address.")
        await self.officer.mutate("changeStatus", reportId=called["reportId"], to="RESOLVED", remark="Nieuwe lamp.")
        if self.mailbox is not None:
            mail = await self.mailbox.read(contact["email"], "opgelost")
            self.say("Click, Call, Face", f"She is mailed: {mail.splitlines()[0]}")

    async def take_back(self) -> None:
        done = await self.app.mutate(
            "withdrawConsent", "... on ErasureDone { erased { what count } }", author=f"anna-{self.once}"
        )
        counts = ", ".join(f"{one['count']} {one['what']}" for one in done["erased"])
        event = await self.street.until("Erased", reportId=self.glass)
        expect(event["report"]["description"] == "", f"her words are still there: {event}")
        self.say("Toestemming", f"Anna takes her consent back. Erased: {counts}.")
