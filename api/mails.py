"""The mails: each in the language of its reader, as plain text and as HTML, from what may be told at this moment."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from typing import Any
from uuid import UUID

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from api.mail import POLICY, Mailer
from api.settings import ROOT, Settings
from geo.categories import Categories
from geo.links import Links
from geo.mailings import Addressee
from geo.models import EventKind, Language
from geo.notifications import Notification
from geo.sentences import sentence

TEMPLATES = ROOT / "api" / "templates"
EXCERPT = 300  # characters of a description
log = structlog.get_logger()


class Mails:
    """Writes the mails, and hands them to the mail server; all raise what `Mailer.send` does."""

    def __init__(self, mailer: Mailer, links: Links, categories: Categories) -> None:
        self._mailer = mailer
        self._links = links
        self._categories = categories
        self._domain = parseaddr(mailer.sender)[1].rpartition("@")[2]
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES / "mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def ask_address(self, address_id: UUID, email: str, language: Language) -> None:
        """Ask whether an address belongs to whoever gave it."""
        link = self._links.confirmation(address_id)
        await self._mailer.send(self._write("confirm", address_id, email, language, link=link))

    async def tell(self, notification: Notification, to: Addressee) -> None:
        """One notification."""
        told = await self._told(notification, to.language)
        await self._mailer.send(self._write_to(to, "notification", notification.id, **told))

    async def tell_all(self, notifications: list[Notification], to: Addressee) -> None:
        """A digest, oldest first."""
        told = [await self._told(notification, to.language) for notification in notifications]
        await self._mailer.send(self._write_to(to, "digest", notifications[-1].id, told=told))

    async def _told(self, of: Notification, language: Language) -> dict[str, Any]:
        """What the templates tell of a notification."""
        return {
            "sentence": sentence(of, await self._categories.all(), language),
            "alert": of.alert,
            "description": _excerpt(of),
            "remark": of.event.detail["remark"] if of.event.kind is EventKind.STATUS_CHANGED else None,
            "asks": of.asks_for_rating,
        }

    def _write_to(self, to: Addressee, template: str, key: UUID, **values: Any) -> EmailMessage:
        link = self._links.unsubscription(to.id)
        message = self._write(template, key, to.email, to.language, unsubscribe=link, **values)
        message["List-Unsubscribe"] = f"<{link}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        return message

    def _write(self, template: str, key: UUID, email: str, language: Language, **values: Any) -> EmailMessage:
        """The first line of the plain text is the subject. The key tells a mail that comes again from another one."""
        plain = self._templates.get_template(f"{language.lower()}/{template}.txt").render(values)
        subject, _, text = plain.partition("\n")
        message = EmailMessage(POLICY)
        message["Subject"] = " ".join(subject.split())
        message["From"] = self._mailer.sender
        message["To"] = Address(addr_spec=email)
        message["Date"] = localtime()
        message["Message-ID"] = f"<{key}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.lstrip("\n"))
        html = self._templates.get_template(f"{language.lower()}/{template}.html").render(values, subject=subject)
        message.add_alternative(html, subtype="html")
        message["Content-Language"] = language.lower()  # last: a content takes such headers for its own
        return message


def _excerpt(of: Notification) -> str | None:
    """The beginning of what was reported, unless it is hidden or erased."""
    if of.report is None or of.report.hidden_reason is not None:
        return None
    text = of.report.description
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()} …"


def make_mails(settings: Settings, links: Links, categories: Categories) -> Mails | None:
    """By the mail server that is set; None where there is none, which is said."""
    url = settings.smtp_url.get_secret_value()
    if not url:
        log.info("no_mail_is_sent", hint="Set BART_SMTP_URL and BART_MAIL_FROM.")
        return None
    return Mails(Mailer(url, settings.mail_from), links, categories)
