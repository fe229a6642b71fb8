"""What a Dutch text tells of persons: telephone numbers, e-mail addresses, licence plates, citizen service numbers.

What leads to a place or to a report stays: postal codes, and the numbers of reports as they are written, with dashes.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from phonenumbers import Leniency, PhoneNumberMatcher, PhoneNumberType, number_type
from stdnum.nl import bsn

from geo.models import PersonalData
from geo.numbers import read_number

Span = tuple[int, int]

# A look-behind keeps a long run of letters without an @ from being tried from each of them.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_OURS = re.compile(r"(?<![\w-])\d{3}-\d{3}-\d{3}(?![\w-])")
_NINE = re.compile(
    r"(?<![\w+])(?:\d{3}([ .-]?)\d{3}\1\d{3}|\d{4}([ .-]?)\d\d\2\d{3}|\d\d([ .-])\d\d\3\d\d\3\d{3})(?!\w)"
)
# Numbers of organisations, such as 0900-8844, are nobody's in particular.
_SERVICES = frozenset(
    {PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN}
)

# The series of Dutch plates since 1951 (RDW, "sidecodes"): L is a letter, D a digit.
_SERIES = (
    *("LL-DD-DD", "DD-DD-LL", "DD-LL-DD", "LL-DD-LL", "LL-LL-DD", "DD-LL-LL", "DD-LLL-D", "D-LLL-DD"),
    *("LL-DDD-L", "L-DDD-LL", "LLL-DD-L", "L-DD-LLL", "D-LL-DDD", "DDD-LL-D", "LLL-DD-D", "D-DD-LLL"),
)
# The letters of plates since 1978; M and W only begin a group. With vowels among them these shapes are words.
_CONSONANTS = "BDFGHJKLNPRSTVXZ"
_MONTHS = "jan|feb|mrt|apr|mei|jun|jul|aug|sep|okt|nov|dec|mar|may|oct"
# A day such as `5-mrt-24`, an address such as `nr123b`, from and to.
_PROSE = rf"(?i:\d[- ]?(?:{_MONTHS})[- ]?\d|nr\d|\d+ ?(?:en|of|tm|tot|uur) ?\d)"


def _dashed() -> str:
    return "|".join(series.replace("-", "[-‐‑–]").replace("L", "[A-Z]").replace("D", r"\d") for series in _SERIES)


def _dashless(separator: str) -> str:
    """Without dashes four digits and two letters are a postal code, and letters count that can't be a word's."""
    signs = {"L": f"[MW{_CONSONANTS}]", "l": f"[{_CONSONANTS}]", "D": r"\d", "-": separator}
    within = signs | {"L": "[A-Z]", "l": "[A-Z]"}  # between digits any may stand
    return "|".join(
        "".join((within if series[0] == series[-1] == "D" else signs)[sign] for sign in re.sub("(?<=L)L", "l", series))
        for series in _SERIES
        if series != "DD-DD-LL"
    )


# With spaces only capitals count: `op 12 34` is prose.
_PLATE = re.compile(
    rf"(?<![^\W_])(?<!\d-)(?!{_PROSE})(?:(?i:{_dashed()}|{_dashless('')})|{_dashless(' ')})(?![^\W_])(?!-\d)"
)
_MASKS = {
    PersonalData.PHONE: "[telefoonnummer]",
    PersonalData.EMAIL: "[e-mailadres]",
    PersonalData.LICENCE_PLATE: "[kenteken]",
    PersonalData.BSN: "[burgerservicenummer]",
}


class Finding(NamedTuple):
    """What stands from one character up to another."""

    kind: PersonalData
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """All that tells of persons, in the order of the text."""
    rest, found = text, list[Finding]()
    for start, end in _ours(text):
        rest = _without(rest, start, end)
    # What is found is taken away before the next search: so no two overlap, and what it had joined itself to is seen.
    while fresh := _first_kind(rest):
        found += fresh
        for _, start, end in fresh:
            rest = _without(rest, start, end)
    return sorted(found, key=lambda finding: finding.start)


def mask(text: str) -> str:
    """The text with a word in place of each finding that says what stood there."""
    for kind, start, end in reversed(find(text)):
        text = text[:start] + _MASKS[kind] + text[end:]
    return text


def _first_kind(text: str) -> list[Finding]:
    """All of the first kind that there is any of."""
    every = ([Finding(kind, *span) for span in search(text)] for kind, search in _SEARCHES.items())
    return next(filter(None, every), [])


def _without(text: str, start: int, end: int) -> str:
    return text[:start] + "]" * (end - start) + text[end:]


def _ours(text: str) -> Iterator[Span]:
    return (found.span() for found in _OURS.finditer(text) if read_number(found[0]))


def _emails(text: str) -> Iterator[Span]:
    return (found.span() for found in _EMAIL.finditer(text))


def _phones(text: str) -> Iterator[Span]:
    alone = re.sub(r"[^\W\d_]", "|", text)  # the matcher passes over a number that touches a letter
    for found in PhoneNumberMatcher(alone, "NL", leniency=Leniency.VALID):
        if number_type(found.number) not in _SERVICES:
            yield found.start, found.end


def _bsns(text: str) -> Iterator[Span]:
    return (found.span() for found in _NINE.finditer(text) if bsn.is_valid(re.sub(r"\D", "", found[0])))


def _licence_plates(text: str) -> Iterator[Span]:
    return (found.span() for found in _PLATE.finditer(text))


_SEARCHES = {
    PersonalData.EMAIL: _emails,
    PersonalData.PHONE: _phones,
    PersonalData.BSN: _bsns,
    PersonalData.LICENCE_PLATE: _licence_plates,
}
