"""What a Dutch text tells of persons: telephone numbers, e-mail addresses, licence plates, citizen service numbers.

What leads to a place or to a report stays: postal codes, and the numbers of reports as they are written, with dashes.
The search goes by what a reader sees: signs that don't show are passed over, and one dash is as good as another.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, decimal, normalize

from phonenumbers import Leniency, PhoneNumber, PhoneNumberMatcher, PhoneNumberType, number_type
from stdnum.nl import bsn

from geo.models import PersonalData
from geo.numbers import read_number

Span = tuple[int, int]

_TAKEN = "\uffff"  # in place of what is taken away: a noncharacter, which never stays in a text as it is seen
# Formats, controls, accents on their own and what means nothing; then letters that are drawn as nothing.
_UNSEEN = frozenset({"Cf", "Cc", "Mn", "Me", "Cn", "\u115f", "\u1160", "\u2800"})
# A minus, a bullet and a modifier that are drawn as dashes; the ideographic full stop separates domains (UTS 46).
_ALIKE = str.maketrans({"\u2212": "-", "\u2043": "-", "\u02d7": "-", "\u3002": "."})

# Lengths are those of RFC 5321: without a bound a long run of letters is read again from each of them.
# After a full stop and a space only endings count that begin no Dutch sentence.
_EMAIL = re.compile(
    r"(?i:\w[\w.!#$%&'*+/=?^{|}~-]{0,63} ?@ ?[\w-]{1,63}(?:(?: ?\.[\w-]{1,63})+| ?\. (?:nl|com|org|eu)\b))"
)
_OURS = re.compile(r"(?<![\w-])\d{3}-\d{3}-\d{3}(?![\w-])")

# Dates, prices, times, and lists such as `01 02 03 04 05`.
_OTHER_DIGITS = re.compile(
    r"(?<!\d)[0-3]?\d([-/.])[01]?\d\1(?:19|20)\d\d(?!\d)"
    r"|(?<![\d,])(?:0|[1-9]\d*),\d\d(?!\d|,\d)"
    r"|(?<![\d:])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?!\d|:\d)"
    r"|(?<!\d)0\d(?: 0\d){4,}(?!\d)"
)
_ODD_SEPARATOR = re.compile(rf"(?<=\d)(?:[^\w\s+(){_TAKEN}]|_){{1,2}}(?=\d)")
# In both a look-ahead holds the number, so that one may begin within what proves to be none.
_GAP = r"[ ./()-]{0,3}"
_DUTCH = re.compile(
    rf"(?:(?<!\d)|(?=\+))(?=((?:(?:\+|00){_GAP}31{_GAP}(?:0{_GAP})?|\((?=0\d{{1,3}}\))0{_GAP}|0{_GAP})"
    rf"([1-9](?:{_GAP}\d){{8}}))(?!\d))"
)
_NINE = re.compile(r"(?<!\d)(?=(\d(?:(?: ?[-/] ?|[ .])?\d){8})(?!\d))")
# No number at all, or one of an organisation, such as 0900-8844.
_NOBODYS = frozenset(
    {PhoneNumberType.UNKNOWN, PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE}
    | {PhoneNumberType.SHARED_COST, PhoneNumberType.UAN}
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
_PROSE = rf"(?i:\d\W{{0,3}}(?:{_MONTHS})\W{{0,3}}\d|nr\d|\d+ ?(?:en|of|tm|tot|uur) ?\d)"


def _dashed(dash: str) -> str:
    return "|".join(series.replace("-", dash).replace("L", "[A-Z]").replace("D", r"\d") for series in _SERIES)


def _dashless(separator: str) -> str:
    """Without dashes four digits and two letters are a postal code, and letters count that can't be a word's."""
    signs = {"L": f"[MW{_CONSONANTS}]", "l": f"[{_CONSONANTS}]", "D": r"\d", "-": separator}
    within = signs | {"L": "[A-Z]", "l": "[A-Z]"}  # between digits any may stand
    return "|".join(
        "".join((within if series[0] == series[-1] == "D" else signs)[sign] for sign in re.sub("(?<=L)L", "l", series))
        for series in _SERIES
        if series != "DD-DD-LL" or "-" in separator
    )


# With spaces, and with other signs for dashes, only capitals count: `op 12 34` is prose.
_PLATE = re.compile(
    rf"(?<![^\W_])(?!{_PROSE})(?:(?i:{_dashed('-')}|{_dashless('')}|{_dashless(' ?- ?')})"
    rf"|{_dashed(' ?[-./_*] ?')}|{_dashless(' ')})(?![^\W_])"
)
_MASKS = {
    PersonalData.PHONE: "[telefoonnummer]",
    PersonalData.EMAIL: "[e-mailadres]",
    PersonalData.LICENCE_PLATE: "[kenteken]",
    PersonalData.BSN: "[burgerservicenummer]",
}
_MASKED = re.compile("|".join(map(re.escape, _MASKS.values())))


class Finding(NamedTuple):
    """What stands from one character up to another."""

    kind: PersonalData
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """All that tells of persons, in the order of the text."""
    seen, places = _as_seen(text)
    seen = _without(seen, _matches(_MASKED, seen))
    found = list[Finding]()
    # What is found is taken away before the next search: so no two overlap, and what it had joined itself to is seen.
    while True:
        seen = _without(seen, _ours(seen, text, places))
        fresh = next(((kind, spans) for kind, search in _SEARCHES if (spans := list(search(seen)))), None)
        if fresh is None:
            return sorted(found, key=lambda finding: finding.start)
        kind, spans = fresh
        found += (Finding(kind, places[start], places[end - 1] + 1) for start, end in spans)
        seen = _without(seen, spans)


def mask(text: str) -> str:
    """The text with a word in place of each finding that says what stood there."""
    for kind, start, end in reversed(find(text)):
        text = text[:start] + _MASKS[kind] + text[end:]
    return text


def _as_seen(text: str) -> tuple[str, list[int]]:
    """The text on one line in plain signs, and for each of its characters the place in the text it comes from."""
    seen, places = list[str](), list[int]()
    for place, written in enumerate(text):
        sign = _plain(written)
        if sign and not (sign == " " and seen and seen[-1] == " "):
            seen.append(sign)
            places.append(place)
    return "".join(seen), places


@lru_cache(4096)
def _plain(written: str) -> str:
    """The plain sign that a character is another form of; nothing for what doesn't show."""
    alike = normalize("NFKC", written).translate(_ALIKE)
    sign = alike if len(alike) == 1 else written  # one for one, or two findings could share a character
    if sign.isspace():
        return " "
    if not _UNSEEN.isdisjoint((sign, category(sign))):
        return ""
    if category(sign) == "Pd":
        return "-"
    return str(decimal(sign, sign))


def _without(seen: str, spans: Iterable[Span]) -> str:
    for start, end in spans:
        seen = seen[:start] + _TAKEN * (end - start) + seen[end:]
    return seen


def _matches(pattern: re.Pattern[str], seen: str) -> Iterator[Span]:
    return (found.span() for found in pattern.finditer(seen))


def _ours(seen: str, text: str, places: list[int]) -> Iterator[Span]:
    """Numbers of reports as we write them: in disguise they might as well be those of citizens."""
    for start, end in _matches(_OURS, seen):
        as_written = text[places[start] : places[end - 1] + 1] == seen[start:end]
        if as_written and read_number(seen[start:end]):
            yield start, end


def _emails(seen: str) -> Iterator[Span]:
    return _matches(_EMAIL, seen)


def _numbers(seen: str) -> str:
    """Only what may be part of a number, with dashes for odd signs within it: the matcher shies at any letter."""
    digits = re.sub(r"[^\W\d_]", _TAKEN, _without(seen, _matches(_OTHER_DIGITS, seen)))
    return _ODD_SEPARATOR.sub(lambda odd: "-" * len(odd[0]), digits)


def _dutch_phones(seen: str) -> Iterator[Span]:
    """Numbers of ten digits, however divided and among whatever other digits."""
    last = 0
    for found in _DUTCH.finditer(_numbers(seen)):
        number = PhoneNumber(country_code=31, national_number=int(re.sub(r"\D", "", found[2])))
        if found.start() >= last and number_type(number) not in _NOBODYS:
            last = found.end(1)
            yield found.span(1)


def _phones(seen: str) -> Iterator[Span]:
    for found in PhoneNumberMatcher(_numbers(seen), "NL", leniency=Leniency.VALID):
        if number_type(found.number) not in _NOBODYS:
            yield found.start, found.end


def _bsns(seen: str) -> Iterator[Span]:
    """Nine digits that pass the check, together or in at most four groups of more than one."""
    last = 0
    for found in _NINE.finditer(_numbers(seen)):
        groups = re.findall(r"\d+", found[1])
        grouped = len(groups) <= 4 and min(map(len, groups)) > 1
        if found.start() >= last and grouped and bsn.is_valid("".join(groups)):
            last = found.end(1)
            yield found.span(1)


def _licence_plates(seen: str) -> Iterator[Span]:
    return _matches(_PLATE, seen)


_SEARCHES: tuple[tuple[PersonalData, Callable[[str], Iterator[Span]]], ...] = (
    (PersonalData.EMAIL, _emails),
    (PersonalData.PHONE, _dutch_phones),
    (PersonalData.PHONE, _phones),
    (PersonalData.BSN, _bsns),
    (PersonalData.LICENCE_PLATE, _licence_plates),
)
