"""Report numbers: said on the phone and typed by hand."""

import re
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import damm

from geo.numbers import new_number, read_number

eight_digits = st.text("0123456789", min_size=8, max_size=8)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    digits = draw(eight_digits)
    whole = digits + damm.calc_check_digit(digits)
    return f"{whole[:3]}-{whole[3:6]}-{whole[6:]}"


def test_new_numbers_can_be_read_and_do_not_count() -> None:
    made = [new_number() for _ in range(200)]
    assert all(re.fullmatch(r"\d{3}-\d{3}-\d{3}", number) for number in made)
    assert [read_number(number) for number in made] == made
    assert len(set(made)) == len(made)
    steps = [int(b.replace("-", "")) - int(a.replace("-", "")) for a, b in pairwise(made)]
    assert min(steps) < 0 < max(steps)


@given(numbers(), st.lists(st.sampled_from([" ", "-", ".", "nr. ", "\t"]), min_size=10, max_size=10))
def test_a_number_is_read_however_it_is_typed(number: str, between: list[str]) -> None:
    digits = number.replace("-", "")
    typed = between[0] + "".join(digit + gap for digit, gap in zip(digits, between[1:], strict=True))
    assert read_number(typed) == read_number(digits) == number


@given(numbers(), st.integers(0, 8), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_noticed(number: str, place: int, digit: str) -> None:
    digits = number.replace("-", "")
    wrong = digits[:place] + digit + digits[place + 1 :]
    assert (read_number(wrong) is None) is (wrong != digits)


@given(numbers(), st.integers(0, 7))
def test_two_digits_swapped_are_noticed(number: str, place: int) -> None:
    digits = number.replace("-", "")
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    assume(swapped != digits)
    assert read_number(swapped) is None


@given(st.text())
def test_other_text_is_no_number(text: str) -> None:
    assume(sum(character in "0123456789" for character in text) != 9)
    assert read_number(text) is None
