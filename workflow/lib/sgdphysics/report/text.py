"""Numbers, intervals, names and captions as a reader sees them."""

import html
import math
import re
from collections.abc import Sequence
from typing import Any

import docutils.core

from sgdphysics.report.markup import harmless

NOTHING = "no run of this study tells"
# A caption can include no file and no HTML of its own, whatever docutils is configured to here.
_CAPTION_SETTINGS = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "embed_stylesheet": False,
}


def number(value: float) -> str:
    """Return a number with three digits, in the signs of typography."""
    digits = f"{value:.3g}"
    if 1e3 <= abs(float(digits)) < 1e6:
        digits = f"{float(digits):,.0f}"
    return with_minus(digits)


def with_minus(text: str) -> str:
    """Return text with the minus of typography for every hyphen."""
    return text.replace("-", "−")


def numbers_with_minus(text: str) -> str:
    """Return text with the minus of typography before its numbers and in their exponents, and with its hyphens."""
    return re.sub(r"(?<![\w.])-(?=[\d.])|(?<=\de)-(?=\d)", "−", text)


def interval(value: float, low: float, high: float) -> str:
    """Return a number with its interval as text; without an interval where that is a point or has no ends."""
    if not math.isfinite(value):
        return "no value"
    ends = math.isfinite(high - low) and not low == value == high
    return number(value) + (f" [{number(low)}, {number(high)}]" if ends else "")


def aligned(mean: float, low: float, high: float) -> list[str]:
    """Return a mean and the ends of its interval, all finite, with equally many decimals.

    These give three digits of the largest; up to five where the interval would vanish.
    """
    largest, width = max(abs(low), abs(high)), high - low
    if largest == 0 or not 1e-4 <= largest < 1e5:
        return [with_minus(f"{value:.2e}") if value else "0" for value in (mean, low, high)]
    decimals = 2 - math.floor(math.log10(largest))
    needed = -math.floor(math.log10(width)) if width else decimals
    decimals = max(0, decimals, min(needed, decimals + 2))
    return [with_minus(f"{value:.{decimals}f}") for value in (mean, low, high)]


def duration(seconds: float | None) -> str:
    """Return a time in words."""
    if seconds is None:
        return "not recorded"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def memory(megabytes: float | None) -> str:
    """Return an amount of memory in words."""
    if megabytes is None:
        return "not recorded"
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def plain(name: Any) -> str:
    """Return the name of a test or a column in words."""
    return str(name).replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def plain_html(text: Any) -> str:
    """Return text for HTML."""
    return html.escape(str(text), quote=True)


def caption_html(text: str) -> str:
    """Return a caption in reStructuredText as HTML; it can include no file and no HTML of its own, and load or run nothing."""
    return harmless(docutils.core.publish_parts(text, writer="html5", settings_overrides=_CAPTION_SETTINGS)["fragment"])
