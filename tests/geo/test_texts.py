"""What people write: kept as they meant it, or refused by name."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geo.errors import InvalidText
from geo.texts import MAX_LENGTH, check_text

PATH = ("input", "remark")
OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text())
@example("👨\u200d👩\u200d👧 گل\u200cها")  # joiners that belong to the text
def test_a_text_is_kept_or_refused(text: str) -> None:
    try:
        kept = check_text(text, PATH)
    except InvalidText as refused:
        problem: InvalidText | None = refused
    else:
        problem = None
    controls = {c for c in text.replace("\r\n", "\n").strip() if unicodedata.category(c) in ("Cc", "Cs")} - {"\n", "\t"}
    readable = any(c.isprintable() and c != " " for c in text)
    if problem is None:
        assert readable
        assert not controls
        assert not set(text.strip()) & set(OVERRIDES)
        assert kept == unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
        assert check_text(kept, PATH) == kept, "once more changes nothing"
    else:
        assert controls or not readable or set(text) & set(OVERRIDES)
        assert problem.path == PATH
        assert problem.hint


def test_a_text_may_have_lines() -> None:
    assert check_text("  een\r\n\ttwee\n\ndrie \n", PATH) == "een\n\ttwee\n\ndrie"


def test_the_same_letters_are_stored_the_same() -> None:
    assert check_text("cafe\u0301", PATH) == check_text("caf\u00e9", PATH) == "caf\u00e9"


def test_a_text_has_a_longest_length() -> None:
    assert check_text(" " + "é" * MAX_LENGTH + " ", PATH) == "é" * MAX_LENGTH
    for long in ("x" * (MAX_LENGTH + 1), "x" * 100_000):
        with pytest.raises(InvalidText, match=str(len(long))):
            check_text(long, PATH)


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u00a0", "\u200b", "\ufeff\u2060", "\u200e \u200f", "\u3000"])
def test_a_text_that_shows_nothing_is_empty(blank: str) -> None:
    with pytest.raises(InvalidText, match="empty"):
        check_text(blank, PATH)


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1b", "\x7f", "\x85", "\r", "\ud800", *OVERRIDES])
def test_what_would_mislead_is_named_with_its_place(character: str) -> None:
    with pytest.raises(InvalidText, match=f"U\\+{ord(character):04X} at 3 "):
        check_text(f"een{character}twee", PATH)
