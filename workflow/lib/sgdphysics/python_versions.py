"""The versions of Python that the pinned packages come built for.

Read by ``setup.py`` and the workflow before anything else, so also by other versions of Python than these.
"""

import sys

FIRST, LAST = (3, 11), (3, 13)


def stop_where_unsupported() -> None:
    """Raise `SystemExit` with one line where this Python is another version: package managers would only name some package."""
    if not FIRST <= sys.version_info[:2] <= LAST:
        version, first, last = (".".join(map(str, numbers)) for numbers in (sys.version_info[:3], FIRST, LAST))
        sys.exit(f"Python: found {version}, expected {first} to {last}: the pinned packages come built for these")
