"""Report numbers: for saying on the phone, not for counting.

Eight random digits and a check digit (Damm's algorithm, 2004), so that a number tells nothing about how many reports
there are, and one wrong or two swapped digits are noticed.
"""

import secrets

from stdnum import damm


def new_number() -> str:
    """A number such as 482-915-073."""
    digits = f"{secrets.randbelow(10**8):08d}"
    whole = digits + damm.calc_check_digit(digits)
    return f"{whole[:3]}-{whole[3:6]}-{whole[6:]}"


def read_number(text: str) -> str | None:
    """The number as stored, from what a person typed; None when the check digit says it can't be one."""
    digits = "".join(c for c in text if c in "0123456789")
    if len(digits) != 9 or not damm.is_valid(digits):
        return None
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
