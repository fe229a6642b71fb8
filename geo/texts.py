"""What people write: cleaned of what nobody sees, refused where it would mislead."""

import unicodedata

from geo.errors import InvalidText
from geo.geometry import Path

MAX_LENGTH = 4_000
# Bidirectional embeddings, overrides and isolates: text that reads otherwise than it is stored.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_text(text: str, path: Path) -> str:
    """The text in Unicode NFC without surrounding space; raises `InvalidText`."""
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not any(character.isprintable() and character != " " for character in clean):
        raise InvalidText("This text is empty.", path=path, hint="Say in a sentence what is the matter.")
    if len(clean) > MAX_LENGTH:
        raise InvalidText(f"This text has {len(clean)} characters.", path=path, hint=f"At most {MAX_LENGTH}.")
    for place, character in enumerate(clean):
        if character in _BIDI or (unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"):
            raise InvalidText(
                f"The character U+{ord(character):04X} at {place} can't be used.",
                path=path,
                hint="Send plain text, without control characters or direction overrides.",
            )
    return clean
