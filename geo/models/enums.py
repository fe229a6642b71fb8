"""The values that things can have."""

from enum import StrEnum


class AreaKind(StrEnum):
    MUNICIPALITY = "MUNICIPALITY"
    BOROUGH = "BOROUGH"
    DISTRICT = "DISTRICT"
    NEIGHBOURHOOD = "NEIGHBOURHOOD"


class ReportStatus(StrEnum):
    REPORTED = "REPORTED"
    ADOPTED = "ADOPTED"
    ROUTED = "ROUTED"
    SCHEDULED = "SCHEDULED"
    UNDER_WAY = "UNDER_WAY"
    ON_HOLD = "ON_HOLD"
    RESOLVED = "RESOLVED"
    REJECTED = "REJECTED"
    MERGED = "MERGED"


class Urgency(StrEnum):
    NORMAL = "NORMAL"
    URGENT = "URGENT"
    EMERGENCY = "EMERGENCY"


class Visibility(StrEnum):
    """Who may know of a report at all; `geo.visibility` holds the rule."""

    PUBLIC = "PUBLIC"
    INVOLVED = "INVOLVED"
    AUTHORITIES = "AUTHORITIES"
    POLICE = "POLICE"


class Channel(StrEnum):
    """How a report came in. The municipality's older channels are called Click, Call and Face."""

    APP = "APP"
    MESSAGE = "MESSAGE"
    CLICK = "CLICK"
    CALL = "CALL"
    FACE = "FACE"


class Purpose(StrEnum):
    """What an author consents to."""

    REGISTER = "REGISTER"


class Role(StrEnum):
    ANONYMOUS = "ANONYMOUS"
    RESIDENT = "RESIDENT"
    APP = "APP"
    PARTNER = "PARTNER"
    OFFICER = "OFFICER"
    POLICE = "POLICE"
    ADMIN = "ADMIN"


class Standing(StrEnum):
    """What lets somebody take a step of a report, where it is not a role: what they are to this very report."""

    ADOPTER = "ADOPTER"
    INVOLVED = "INVOLVED"
    SYSTEM = "SYSTEM"


class ActorKind(StrEnum):
    """Who did something, told without telling which person."""

    RESIDENT = "RESIDENT"
    MUNICIPALITY = "MUNICIPALITY"
    POLICE = "POLICE"
    PARTNER = "PARTNER"
    SYSTEM = "SYSTEM"


class Involvement(StrEnum):
    REPORTER = "REPORTER"
    CONFIRMER = "CONFIRMER"
    CONTRIBUTOR = "CONTRIBUTOR"
    ADOPTER = "ADOPTER"
    FOLLOWER = "FOLLOWER"


class EvidenceKind(StrEnum):
    REMARK = "REMARK"
    PHOTO = "PHOTO"
    CORRECTION = "CORRECTION"
    MEASUREMENT = "MEASUREMENT"


class Decision(StrEnum):
    """What became of a correction that somebody proposed."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class HiddenReason(StrEnum):
    """Why a text or a photo is not shown."""

    PRIVACY = "PRIVACY"
    OFFENSIVE = "OFFENSIVE"
    IRRELEVANT = "IRRELEVANT"
    ERASED = "ERASED"


class PersonalData(StrEnum):
    """What a text tells of a person."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"
    LICENCE_PLATE = "LICENCE_PLATE"
    BSN = "BSN"


class AdoptionEnding(StrEnum):
    RELEASED = "RELEASED"
    LAPSED = "LAPSED"
    COMPLETED = "COMPLETED"
    TAKEN_OVER = "TAKEN_OVER"


class Severity(StrEnum):
    INFORMATION = "INFORMATION"
    WARNING = "WARNING"
    DANGER = "DANGER"


class Language(StrEnum):
    NL = "NL"
    EN = "EN"


class MailMode(StrEnum):
    OFF = "OFF"
    EACH = "EACH"
    DIGEST = "DIGEST"


class Verdict(StrEnum):
    STILL_THERE = "STILL_THERE"
    GONE = "GONE"


class EventKind(StrEnum):
    REPORT_SUBMITTED = "REPORT_SUBMITTED"
    EVIDENCE_ADDED = "EVIDENCE_ADDED"
    REPORT_CONFIRMED = "REPORT_CONFIRMED"
    STATUS_CHANGED = "STATUS_CHANGED"
    VISIBILITY_CHANGED = "VISIBILITY_CHANGED"
    REPORT_MOVED = "REPORT_MOVED"
    CATEGORY_CHANGED = "CATEGORY_CHANGED"
    CORRECTION_DECLINED = "CORRECTION_DECLINED"
    TEXT_CHANGED = "TEXT_CHANGED"
    CONTENT_HIDDEN = "CONTENT_HIDDEN"
    CONTENT_SHOWN = "CONTENT_SHOWN"
    ERASED = "ERASED"
    REPORT_ADOPTED = "REPORT_ADOPTED"
    ADOPTION_ENDED = "ADOPTION_ENDED"
    ADOPTION_COMPLETED = "ADOPTION_COMPLETED"
    ADOPTER_THANKED = "ADOPTER_THANKED"
    RESOLUTION_RATED = "RESOLUTION_RATED"
    REPORT_ESCALATED = "REPORT_ESCALATED"
    REPORT_CLOSED = "REPORT_CLOSED"
    REPORT_MERGED = "REPORT_MERGED"
    DUPLICATE_JOINED = "DUPLICATE_JOINED"
    MERGE_UNDONE = "MERGE_UNDONE"


class AlertEventKind(StrEnum):
    ALERT_PUBLISHED = "ALERT_PUBLISHED"
    ALERT_UPDATED = "ALERT_UPDATED"
    ALERT_WITHDRAWN = "ALERT_WITHDRAWN"
