"""Written dates and what they mean: the data that `dates` is trained and tested on.

A date of the years 1900 to 2099 is written in one of `FORMS`; the answer is its ISO form. Conventions where a form
could mean two dates: numbers alone are day, month, year (`3/12/07` is 3 December 2007), unless four digits come first
(`2007/12/03`); two-digit years are POSIX's, 69 to 99 in the 1900s and 00 to 68 in the 2000s. A weekday means nothing
and is drawn at random, so that a model learns to read past it.

Dates are held out whole: `split` keeps one in twenty days from training, in every form.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
SHORT_FIRST, SHORT_LAST = date(1969, 1, 1), date(2068, 12, 31)
"""Days whose year may be written with two digits."""
HELD_OUT = 20
"""One day in this many is never trained on."""
SPLIT_SEED = 2026

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ONES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
        "nineteenth")  # fmt: skip
ORDINALS = (*ONES, "twentieth", *(f"twenty-{word}" for word in ONES[:9]), "thirtieth", "thirty-first")


def split() -> tuple[list[date], list[date]]:
    """(days for training, held-out days), always the same. Neither holds a day of the other."""
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    held = set(random.Random(SPLIT_SEED).sample(days, len(days) // HELD_OUT))
    return [day for day in days if day not in held], sorted(held)


@dataclass(frozen=True, slots=True)
class Example:
    """A date as somebody wrote it, and as ISO 8601 writes it."""

    form: str
    text: str
    iso: str


Form = Callable[[random.Random, date], str]


def slashed(rng: random.Random, day: date) -> str:
    """3/12/07, 03.12.2007"""
    return rng.choice("/.-").join((number(rng, day.day), number(rng, day.month), year(rng, day)))


def iso_like(rng: random.Random, day: date) -> str:
    """2021-03-03, 2021/3/3"""
    pads = rng.random() < 0.7
    parts = (str(day.year), *(f"{n:02}" if pads else str(n) for n in (day.month, day.day)))
    return rng.choice("--/.").join(parts)


def day_month(rng: random.Random, day: date) -> str:
    """3 March 2021, 3rd Mar, '21, 3-Mar-2021"""
    if rng.random() < 0.2:
        return "-".join((number(rng, day.day), short(day.month), year(rng, day)))
    return f"{numeral(rng, day.day)} {month(rng, day.month)}{comma(rng)} {year(rng, day, apostrophe=True)}"


def month_day(rng: random.Random, day: date) -> str:
    """March 3rd, '21, Mar 3 2021, March the third, 2021"""
    which = rng.choice((numeral(rng, day.day), numeral(rng, day.day), f"the {ordinal(rng, day.day)}"))
    return f"{month(rng, day.month)} {which}{comma(rng)} {year(rng, day, apostrophe=True)}"


def spoken(rng: random.Random, day: date) -> str:
    """the third of March 2021, 3rd of March, 2021"""
    the = rng.choice(("the ", "the ", ""))
    return f"{the}{ordinal(rng, day.day)} of {month(rng, day.month)}{comma(rng)} {year(rng, day, apostrophe=True)}"


def year_first(rng: random.Random, day: date) -> str:
    """2021 March 3, 2021, March the 3rd"""
    which = rng.choice((numeral(rng, day.day), f"the {ordinal(rng, day.day)}"))
    return f"{day.year}{comma(rng)} {month(rng, day.month)} {which}"


FORMS: dict[str, Form] = {
    "numbers": slashed,
    "iso": iso_like,
    "day-month": day_month,
    "month-day": month_day,
    "spoken": spoken,
    "year-first": year_first,
}


def write(rng: random.Random, day: date, form: str | None = None) -> Example:
    """The day, written by chance in the form, or in any."""
    form = form or rng.choice(tuple(FORMS))
    text = FORMS[form](rng, day)
    if form not in ("iso", "year-first") and rng.random() < 0.25:
        name = rng.choice(WEEKDAYS)
        text = rng.choice((name, name[:3])) + rng.choice((" ", ", ", ". ")) + text
    if form != "iso" and rng.random() < 0.05:
        text = "on " + text
    if rng.random() < 0.05:
        text += "."
    return Example(form, text, day.isoformat())


def number(rng: random.Random, value: int) -> str:
    return f"{value:02}" if rng.random() < 0.4 else str(value)


def year(rng: random.Random, day: date, apostrophe: bool = False) -> str:
    """2021, or 21 or '21 where two digits can mean it."""
    if SHORT_FIRST <= day <= SHORT_LAST and rng.random() < 0.5:
        return ("'" if apostrophe and rng.random() < 0.4 else "") + f"{day.year % 100:02}"
    return str(day.year)


def month(rng: random.Random, value: int) -> str:
    """March, Mar, Mar. or, for September, Sept."""
    if rng.random() < 0.6:
        return MONTHS[value - 1]
    name = "Sept" if value == 9 and rng.random() < 0.5 else short(value)
    return name + ("." if value != 5 and rng.random() < 0.2 else "")


def short(value: int) -> str:
    return MONTHS[value - 1][:3]


def numeral(rng: random.Random, value: int) -> str:
    """3, 03 or 3rd"""
    return number(rng, value) if rng.random() < 0.6 else ranked(value)


def ordinal(rng: random.Random, value: int) -> str:
    """third or 3rd; twenty-third or twenty third"""
    word = ORDINALS[value - 1].replace("-", rng.choice("- "))
    return word if rng.random() < 0.7 else ranked(value)


def ranked(value: int) -> str:
    """
    >>> ranked(3), ranked(12), ranked(22)
    ('3rd', '12th', '22nd')
    """
    ending = "th" if 10 < value < 14 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def comma(rng: random.Random) -> str:
    return rng.choice(("", ","))
