"""Check digits: of card numbers (Luhn, ISO/IEC 7812) and of bank accounts (ISO 13616, modulo 97)."""

from __future__ import annotations

# first digits by which the networks' cards begin, with the lengths that their numbers have
_NETWORKS: tuple[tuple[range, int, frozenset[int]], ...] = (
    (range(4, 5), 1, frozenset({13, 16, 19})),  # Visa
    (range(51, 56), 2, frozenset({16})),  # Mastercard
    (range(2221, 2721), 4, frozenset({16})),
    (range(34, 35), 2, frozenset({15})),  # American Express
    (range(37, 38), 2, frozenset({15})),
    (range(300, 306), 3, frozenset({14})),  # Diners
    (range(36, 37), 2, frozenset({14})),
    (range(38, 40), 2, frozenset({14, 16})),
    (range(6011, 6012), 4, frozenset({16, 19})),  # Discover
    (range(644, 660), 3, frozenset({16, 19})),
    (range(3528, 3590), 4, frozenset({16, 19})),  # JCB
    (range(62, 63), 2, frozenset({16, 17, 18, 19})),  # UnionPay
    (range(50, 51), 2, frozenset(range(13, 20))),  # Maestro
    (range(56, 59), 2, frozenset(range(13, 20))),
    (range(67, 68), 2, frozenset(range(13, 20))),
)
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
    26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE",
    31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_LENGTH_OF = {country: length for length, countries in _IBAN_LENGTHS.items() for country in countries.split()}


def is_card(digits: str) -> bool:
    """Whether a number is one of a card: begins as a network's, is as long, and its check digit is right."""
    return any(len(digits) in lengths and int(digits[:count]) in begins for begins, count, lengths in _NETWORKS) and luhn(
        digits
    )


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number  # noqa: PLR2004
    return total % 10 == 0


def iban_length(country: str) -> int:
    """How many letters and digits the account numbers of a country have; 0 where it has none."""
    return _LENGTH_OF.get(country.upper(), 0)


def is_iban(written: str) -> bool:
    """Whether the letters and digits of a text are an account number with the right check digits."""
    plain = "".join(letter for letter in written if letter.isalnum()).upper()
    if not plain.isascii() or len(plain) != iban_length(plain[:2]):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1
