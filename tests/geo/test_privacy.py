"""Text as it is published: what tells of persons is found wherever it stands, and prose is left alone."""

import csv
import time
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import damm
from stdnum.nl import bsn

import geo.demo
from geo.models import PersonalData
from geo.numbers import new_number
from geo.privacy import find, mask

DEMO = Path(geo.demo.__file__).parent
PAIRS = sorted((Path(__file__).parents[2] / "bench" / "pairs").glob("dutch_*.csv"))
BEFORE = ("", "Bel ", "bel mij:", "(", "Een rode auto ", "3 zakken, nr. 14: ", "gisteren,", "\n", "- ", "nummer 7 en ")
AFTER = ("", ".", ", graag voor zes uur", ") en anders niet", "\nGroet", "!", "; 12 uur", " - dank")
DIGITS = "0123456789"


@st.composite
def phones(draw: st.DrawFn) -> str:
    mobile = "6" + draw(st.sampled_from("123458")) + draw(st.text(DIGITS, min_size=7, max_size=7))
    landline = (
        draw(st.sampled_from(["70", "10", "20"]))
        + draw(st.sampled_from("23456"))
        + draw(st.text(DIGITS, min_size=6, max_size=6))
    )
    number = phonenumbers.parse(draw(st.sampled_from([mobile, landline])), "NL")
    assume(phonenumbers.is_valid_number(number))
    formats = phonenumbers.PhoneNumberFormat
    form = draw(st.sampled_from([formats.NATIONAL, formats.INTERNATIONAL, formats.E164, formats.RFC3966]))
    told = phonenumbers.format_number(number, form).removeprefix("tel:")
    return told.replace(" ", "") if draw(st.booleans()) else told


@st.composite
def emails(draw: st.DrawFn) -> str:
    label = st.text("abcxyzé019", min_size=1, max_size=8)
    name = draw(label) + draw(st.sampled_from(["", ".", "+", "-", "_", "'"])) + draw(label)
    return f"{name}@{draw(label)}.{draw(st.sampled_from(['nl', 'com', 'co.uk', 'amsterdam']))}"


@st.composite
def bsns(draw: st.DrawFn) -> str:
    first = draw(st.text(DIGITS, min_size=8, max_size=8).filter(lambda digits: int(digits) > 0))
    sum_of_rest = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), first, strict=True))
    assume(sum_of_rest % 11 != 10)
    number = first + str(sum_of_rest % 11)
    assert bsn.is_valid(number)
    ends, separator = draw(st.sampled_from([(3, 6), (4, 6)])), draw(st.sampled_from(["", " ", "."]))
    return separator.join(number[start:end] for start, end in pairwise((0, *ends, 9)))


SIDECODES = (
    *("LL-DD-DD", "DD-DD-LL", "DD-LL-DD", "LL-DD-LL", "LL-LL-DD", "DD-LL-LL", "DD-LLL-D", "D-LLL-DD"),
    *("LL-DDD-L", "L-DDD-LL", "LLL-DD-L", "L-DD-LLL", "D-LL-DDD", "DDD-LL-D"),
)


@st.composite
def plates(draw: st.DrawFn) -> str:
    shape, letters = draw(st.sampled_from(SIDECODES)), st.sampled_from("BDFGHJKLNPRSTVXZ")
    signs = {"L": letters, "D": st.sampled_from(DIGITS), "-": st.just("-")}
    plate = "".join(draw(signs[sign]) for sign in shape)
    between = "-" if shape == "DD-DD-LL" else draw(st.sampled_from("- ") | st.just(""))  # or it is a postal code
    plate = plate.replace("-", between)
    assume(not plate.startswith("NR"))
    return plate.lower() if between != " " and draw(st.booleans()) else plate


personal = {
    PersonalData.PHONE: phones(),
    PersonalData.EMAIL: emails(),
    PersonalData.LICENCE_PLATE: plates(),
    PersonalData.BSN: bsns(),
}


@pytest.mark.parametrize("kind", PersonalData)
@given(data=st.data(), before=st.sampled_from(BEFORE), after=st.sampled_from(AFTER))
def test_all_that_tells_of_persons_is_masked(kind: PersonalData, data: st.DataObject, before: str, after: str) -> None:
    told = data.draw(personal[kind])
    text = before + told + after
    assert [finding.kind for finding in find(text) if told in text[finding.start : finding.end]] == [kind]
    assert told not in mask(text)
    assert mask(text).startswith(before.rstrip("("))
    assert mask(text).endswith(after)


UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\u20e3"
WRITTEN_AS = {
    "-": ("-", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\uff0d", "-\n", " - "),
    " ": (" ", "  ", "\n", "\r\n", "\u00a0", "\u2009", " \u200b "),
    "@": ("@", "\uff20", " @ ", "@\n", "\n@"),
    ".": (".", "\uff0e", "\u3002", "\uff61"),
}


@st.composite
def disguised(draw: st.DrawFn, kind: PersonalData) -> str:
    """What reads the same, or nearly so, in other characters and with some that don't show."""
    told = draw(personal[kind])
    signs = list[str]()
    for sign in told:
        wide = chr(ord(sign) + 0xFEE0) if sign.isascii() and sign.isalnum() else sign
        # A dash of a name may not have spaces, or it would be of two words.
        ways = (
            WRITTEN_AS.get(sign, (sign, sign, wide)) if kind is not PersonalData.EMAIL or sign in "@." else (sign, wide)
        )
        signs.append(draw(st.sampled_from(ways)))
        signs.append(draw(st.sampled_from(["", "", *UNSEEN])))
    return "".join(signs[:-1])


@pytest.mark.parametrize("kind", PersonalData)
@given(data=st.data(), before=st.sampled_from(BEFORE), after=st.sampled_from(AFTER))
def test_disguise_is_seen_through(kind: PersonalData, data: st.DataObject, before: str, after: str) -> None:
    told = data.draw(disguised(kind))
    [found] = find(before + told + after)
    # A sign that the matcher of telephone numbers takes along, such as an opening bracket, may go with it.
    assert found.kind is kind
    assert len(before.rstrip("(")) <= found.start <= len(before)
    assert found.end == len(before + told)
    assert mask(before + told + after).endswith(after)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (PersonalData.EMAIL, "jan\u200b@example.nl"),
        (PersonalData.EMAIL, "jan@exam\u200bple.nl"),
        (PersonalData.EMAIL, "jan\uff20example.nl"),
        (PersonalData.EMAIL, "jan@voorbeeld\u3002nl"),
        (PersonalData.EMAIL, "jan @ example.nl"),
        (PersonalData.EMAIL, "jan@example.\nnl"),
        (PersonalData.EMAIL, "jan@example\n.nl"),
        (PersonalData.BSN, "111\u200b222333"),
        (PersonalData.BSN, "111\n222\n333"),
        (PersonalData.BSN, "111\u2013222\u2013333"),
        (PersonalData.BSN, "111\u200b-222-333"),
        (PersonalData.BSN, "111/222/333"),
        (PersonalData.BSN, "111  222  333"),
        (PersonalData.BSN, "1112\n22333"),
        (PersonalData.PHONE, "06-1234\n5678"),
        (PersonalData.PHONE, "06-12 34 56\n78"),
        (PersonalData.PHONE, "06_12345678"),
        (PersonalData.PHONE, "06,12345678"),
        (PersonalData.PHONE, "06*12345678"),
        (PersonalData.PHONE, "06:12345678"),
        (PersonalData.PHONE, "06,12,34,56,78"),
        (PersonalData.PHONE, "0 6 1 2 3 4 5 6 7 8"),
        (PersonalData.PHONE, "0\ufe0f\u20e36\ufe0f\u20e312345678"),
        (PersonalData.PHONE, "+31 (0)6 12345678"),
        (PersonalData.PHONE, "+49*170*1234567"),
        (PersonalData.LICENCE_PLATE, "GT\u200b-99-HZ"),
        (PersonalData.LICENCE_PLATE, "GT-\n99-HZ"),
        (PersonalData.LICENCE_PLATE, "gt-\n99-hz"),
        (PersonalData.LICENCE_PLATE, "GT\u201499\u2014HZ"),
        (PersonalData.LICENCE_PLATE, "GT\u221299\u2212HZ"),
        (PersonalData.LICENCE_PLATE, "GT  99  HZ"),
        (PersonalData.LICENCE_PLATE, "GT/99/HZ"),
        (PersonalData.LICENCE_PLATE, "\uff27\uff34-99-\uff28\uff3a"),
    ],
)
def test_found_from_its_first_character_to_its_last(kind: PersonalData, told: str) -> None:
    assert find(told) == [(kind, 0, len(told))]
    assert find(f"Een \u200b  zin:\n\n{told}, dank") == [(kind, 13, 13 + len(told))]


@pytest.mark.parametrize("before", ["bsn", "B", "mijn nummer is", "nr_", "tel.", "7 ", "123 ", "14\n"])
@pytest.mark.parametrize("after", ["", "bel", " 14", "\n12"])
@pytest.mark.parametrize(("kind", "told"), [(PersonalData.BSN, "111 222 333"), (PersonalData.PHONE, "06 12 34 56 78")])
def test_found_among_what_it_is_joined_to(kind: PersonalData, told: str, before: str, after: str) -> None:
    assert find(before + told + after) == [(kind, len(before), len(before + told))]


@given(st.lists(st.sampled_from([*personal.values()]).flatmap(lambda kind: kind), min_size=2, max_size=4), st.data())
def test_several_are_each_masked(told: list[str], data: st.DataObject) -> None:
    text = "".join(one + data.draw(st.sampled_from([", ", " en ", "; ", " of "])) for one in told)
    assert len(find(text)) == len(told)
    assert not any(digit in mask(text) for digit in DIGITS)


anything = st.lists(
    st.one_of(*personal.values(), st.text(), st.sampled_from([*BEFORE, *AFTER, " ", "-", "0", "06"])), max_size=8
).map("".join)


@given(anything)
def test_masking_again_changes_nothing(text: str) -> None:
    assert mask(mask(text)) == mask(text)
    assert find(mask(text)) == []


@given(anything)
def test_findings_stand_in_order_and_apart(text: str) -> None:
    places = [place for finding in find(text) for place in (finding.start, finding.end)]
    assert places == sorted(places)
    assert all(finding.start < finding.end <= len(text) for finding in find(text))


def prose() -> Iterator[str]:
    """Every text of the demo, at every place, and every text that duplicates are measured with."""
    told = tomllib.loads((DEMO / "texts.toml").read_text(encoding="utf-8"))
    for text in (text for texts in told["categories"].values() for text in texts):
        yield from (text.format(plek=place) for place in told["places"])
    yield from told["still_there"]
    yield from (text for texts in told["progress"].values() for text in texts)
    for path in (DEMO / "categories.csv", *PAIRS):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield from (cell for cell in row.values() if cell)


def test_ordinary_texts_are_left_alone() -> None:
    assert {text: found for text in prose() if (found := find(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Tussen 2512EH en 2512 EK, op nummer 12 en 34",
        "Sinds 5-mrt-24, en weer op 24-11-2026 om 10:30",
        "Bij nr123b, in de bocht na 50kmph",
        "Bel 112, 14 070 of 0900-8844, of gratis 0800-1234",
        "Tram 16 en TRAM16, van 20tm30, om 7uur30 en van 12en34",
        "Het kost 100.000.000 euro, zegt @buurman",
        "Nummers\n12\n14\n16\n18\n20\nen\n01\n02\n03\n04\n05",
        "Gezien 01-02-2026 10:30, 01/02/2026\n10 zakken, 2026-01-02 08:00",
        "Prijzen 0,50 2,25 12,50 en € 1.250,00; tijden 06:30 12:30 18:30, 08:30-17:00",
        "Nummers 12 - 14 op de hoek, 12, 14, 16 en 18; KG 12.50 om 10.30.we",
        "Afspraak @ school. De man zegt @buurman\nzie www.example.nl",
        "Postcode 2512\nEH en ２５１２EH, melding 482-915-073",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert find(text) == []


@given(st.text(DIGITS, min_size=8, max_size=8))
def test_the_number_of_a_report_is_left_alone(digits: str) -> None:
    whole = digits + damm.calc_check_digit(digits)
    text = f"Zie melding {whole[:3]}-{whole[3:6]}-{whole[6:]}, bel 06-12345678"
    assert [finding.kind for finding in find(text)] == [PersonalData.PHONE]


def test_new_numbers_of_reports_are_left_alone() -> None:
    text = " ".join(new_number() for _ in range(200))
    assert mask(text) == text


def test_says_what_stood_there() -> None:
    text = "Bel 06-12345678 of mail anna@example.nl over de 12-ab-34 van 111222333."
    assert mask(text) == "Bel [telefoonnummer] of mail [e-mailadres] over de [kenteken] van [burgerservicenummer]."


LONG = (
    *("a", "a.", "1", "12-", "+", "(", "!", "a@", "a@b.", "a @ ", "1 ", "0 1 ", "00 ", "+31 ", "(0", "1/", "1,50,"),
    *("12:34:", "1(2)", "0(0(0)", "_1", "7+", "06 1", "\u200b", "482-915-073-", "GT-99-HZ-12-", "+31111222333"),
    *("0612345678+31", "0612345678 ", "111222333 ", "010101010 ", "a@b.nl 06-12345678 GT99HZ 111222333 "),
)


@pytest.mark.parametrize("part", LONG)
def test_a_long_text_holds_nobody_up(part: str) -> None:
    """Four times the longest text: were the search quadratic anywhere, it would take tens of seconds."""
    text = (part * 16_000)[:16_000]
    started = time.process_time()
    find(text)
    assert time.process_time() - started < 5
