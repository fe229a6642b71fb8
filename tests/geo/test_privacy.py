"""Text as it is published: what tells of persons is found wherever it stands, and prose is left alone."""

import csv
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


@given(st.lists(st.sampled_from([*personal.values()]).flatmap(lambda kind: kind), min_size=2, max_size=4), st.data())
def test_several_are_each_masked(told: list[str], data: st.DataObject) -> None:
    text = "".join(one + data.draw(st.sampled_from([", ", " en ", "; ", "\n", " of "])) for one in told)
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
    """Every text of the demo, at every place."""
    told = tomllib.loads((DEMO / "texts.toml").read_text(encoding="utf-8"))
    for text in (text for texts in told["categories"].values() for text in texts):
        yield from (text.format(plek=place) for place in told["places"])
    yield from told["still_there"]
    yield from (text for texts in told["progress"].values() for text in texts)
    with (DEMO / "categories.csv").open(encoding="utf-8", newline="") as file:
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


def test_a_long_text_takes_no_time() -> None:
    for text in ("a" * 4000, "a." * 2000, "1" * 4000, "12-" * 1300, "+" * 4000, "(" * 4000):
        assert find(text) == []
