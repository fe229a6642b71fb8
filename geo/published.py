"""Texts before they are published: what tells of persons is given back to the writer, or masked for the public."""

from typing import NamedTuple

from geo import privacy
from geo.errors import PersonalDataFound
from geo.geometry import Path
from geo.texts import check_text


class Written(NamedTuple):
    """A text as the public reads it, and as it was written where that is more."""

    text: str
    original: str | None


def publishable(text: str, path: Path, *, mask: bool) -> Written:
    """What to publish of a text that came in.

    Raises `InvalidText`, and `PersonalDataFound` unless what tells of persons is to be masked.
    """
    clean = check_text(text, path)
    if not mask and privacy.find(clean):
        raise PersonalDataFound(
            path=path,
            hint="Rephrase it without them, or send it with maskPersonalData: true, and the public sees it masked.",
            findings=privacy.find(text),  # places in the text as the writer has it
        )
    return masked(clean)


def masked(text: str) -> Written:
    """The text with what tells of persons masked."""
    public = privacy.mask(text)
    return Written(public, None if public == text else text)
