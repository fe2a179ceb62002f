"""How a report page confirms the record of its study: it prints two sums, that of the record and its own."""

import hashlib
import re
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.provenance.record import CRATE, PAGE, content_of

RECORD_SUM = re.compile(rb'<meta name="record-sha256" content="([0-9a-f]{64})">')
PAGE_SUM = re.compile(rb'<meta name="page-sha256" content="([0-9a-f]{64})">')  # of the page without this line


def record_is_changed(root: Path, study: str) -> bool:
    """Return whether a study's record is not the one whose sum its report page prints; False where no sound page tells."""
    page = content_of(root / "results" / study / PAGE)
    match = RECORD_SUM.search(page) if page is not None and page_is_sound(page) else None
    record = content_of(root / "results" / study / CRATE)
    return bool(match and record is not None and hashlib.sha256(record).hexdigest() != match.group(1).decode())


def page_is_sound(page: bytes) -> bool:
    """Return whether a report page has the bytes of which it prints the sum."""
    sums = PAGE_SUM.findall(page)
    return len(sums) == 1 and hashlib.sha256(PAGE_SUM.sub(b"", page)).hexdigest() == sums[0].decode()


def page_with_sum(page: str) -> str:
    """Return a report page with its own sum put where ``<meta name="page-sha256" content="">`` stands.

    Raises:
        InputError: If the page has no such place, or more than one.
    """
    empty = '<meta name="page-sha256" content="">'
    if page.count(empty) != 1:
        raise InputError(f"the report page has {page.count(empty)} places for its sum, expected one")
    total = hashlib.sha256(page.replace(empty, "").encode()).hexdigest()
    return page.replace(empty, f'<meta name="page-sha256" content="{total}">')
