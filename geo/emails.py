"""E-mail addresses as people give them."""

from email_validator import EmailNotValidError, validate_email

from geo.errors import InvalidContact
from geo.geometry import Path


def check_email(text: str, path: Path) -> str:
    """The address as mail servers want it, in ASCII; raises `InvalidContact`. Nothing is asked over the network."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        raise InvalidContact("This is not an e-mail address.", path=path, hint="Such as anna@example.org.") from None
    assert found.ascii_email is not None
    return found.ascii_email
