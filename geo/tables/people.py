"""Who has to do with reports: involved, followers, how they are told and reached."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from geo.tables.base import Instant, metadata

# Who has to do with a report. A party is a pseudonym (`organisation/subject`), never a name.
involvement = Table(
    "involvement",
    metadata,
    Column("report_id", UUID, ForeignKey("report.id"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("since", Instant, nullable=False),
)
Index(None, involvement.c.party, involvement.c.report_id)

# Who follows an area: new reports in it are news to them.
area_follow = Table(
    "area_follow",
    metadata,
    Column("party", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("since", Instant, nullable=False),
)
Index(None, area_follow.c.code)

# How a party wants to be told. No row means the defaults: in the API, and no mail.
preference = Table(
    "preference",
    metadata,
    Column("party", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("mail", Text, nullable=False),
    Column("email", Text),
    Column("address_id", UUID, unique=True),  # of this address of this party: what links in its mails are made for
    Column("confirmed_at", Instant),
    Column("quiet_from", SmallInteger),
    Column("quiet_until", SmallInteger),
)

# The questions whether an address is right that were mailed within a day, so that nobody gets many of them. The address
# itself is not kept.
address_question = Table(
    "address_question",
    metadata,
    Column("address_id", UUID, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("asked_at", Instant, nullable=False),
)
Index(None, address_question.c.digest)
Index(None, address_question.c.asked_at)

notification = Table(
    "notification",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("party", Text, nullable=False),
    Column("event_id", UUID, nullable=False),  # what it tells of
    Column("notice_id", UUID, nullable=False),  # the event that tells of it
    Column("at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("mail", Text),  # how it is to be mailed, if at all
    Column("mailed_at", Instant),
    UniqueConstraint("party", "event_id"),
)
Index(None, notification.c.party, notification.c.id)
Index(None, notification.c.notice_id)
Index(None, notification.c.event_id)
Index("notification_unread_idx", notification.c.party, postgresql_where=notification.c.read_at.is_(None))
Index(
    "notification_unmailed_idx", notification.c.party, postgresql_where=text("mail IS NOT NULL AND mailed_at IS NULL")
)

# How to reach a reporter, for the authorities only. Lapses some time after the report is closed.
contact = Table(
    "contact",
    metadata,
    Column("report_id", UUID, ForeignKey("report.id"), primary_key=True),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("language", Text, nullable=False),
    Column("lapses_at", Instant),
    Column("unsubscribed_at", Instant),
)
Index(None, contact.c.lapses_at)

# Who looked at what is not for everybody.
audit = Table(
    "audit",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("party", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("report_id", UUID, ForeignKey("report.id"), nullable=False),
)
Index(None, audit.c.report_id, audit.c.at)
