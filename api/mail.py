"""Mail goes out through one SMTP server."""

import asyncio
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.utils import parseaddr
from functools import partial
from urllib.parse import unquote, urlsplit

import aiosmtplib

SECONDS = 12.0  # for one mail: well within the 15 after which PostgreSQL ends the transaction that waits for it
PORTS = {"smtp": 587, "smtps": 465}
LOCAL = ("localhost", "127.0.0.1", "::1")


class _OneLine(UnstructuredHeader, BaseHeader):
    def fold(self, *, policy: policy.Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


# By itself Python folds a long link, and encodes it to be able to: no mail client knows it for a link then.
_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _OneLine)
POLICY = policy.default.clone(header_factory=_HEADERS)  # of the mails that are made


class Refused(Exception):
    """The server takes no mail for this address, now or later."""


class Mailer:
    """`url` is `smtp://` (encrypted where the server can) or `smtps://`, `sender` an address, maybe with a name.

    A password goes to another machine over an encrypted connection only.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise SystemExit("BART_SMTP_URL is not such as smtp://user:password@mail.example:587.")
        if "@" not in parseaddr(sender)[1]:
            raise SystemExit("BART_SMTP_URL needs BART_MAIL_FROM, such as `BART <noreply@example.org>`.")
        self.sender = sender
        abroad = parts.hostname not in LOCAL
        self._send = partial(
            aiosmtplib.send,
            hostname=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            username=parts.username and unquote(parts.username),
            password=parts.password and unquote(parts.password),
            use_tls=parts.scheme == "smtps",
            start_tls=True if parts.scheme == "smtp" and parts.password and abroad else None,
            timeout=SECONDS,
        )

    async def send(self, message: EmailMessage) -> None:
        """Hand one mail to the server; raises `Refused`, or whatever makes it worth another try."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._send(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refused.code >= 500 for refused in error.recipients):
                raise Refused from None
            raise
