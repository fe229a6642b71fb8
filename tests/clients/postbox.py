"""A real SMTP server, and what was mailed to it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 20  # seconds


class Postbox:
    """Takes mail for everybody but those in `refused`, whose reply is the first that is left for them."""

    def __init__(self) -> None:
        self.url = ""
        self.mails: list[EmailMessage] = []
        self.refused: dict[str, list[str]] = defaultdict(list)
        self._news = asyncio.Event()

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refused[address]:
            return self.refused[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert [mail["To"]] == envelope.rcpt_tos
        self.mails.append(mail)
        self._news.set()
        return "250 OK"

    async def receive(self, count: int = 1) -> list[EmailMessage]:
        """All mails, as soon as there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.mails) < count:
                self._news.clear()
                await self._news.wait()
        return self.mails


@asynccontextmanager
async def postbox() -> AsyncIterator[Postbox]:
    box = Postbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    async with server:
        box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield box


def text_of(mail: EmailMessage, kind: str) -> str:
    """The part of a mail that is `plain` or `html`."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
