"""From the outcomes of tests to the answers of a claim's two questions, and from these to one word."""

from collections.abc import Sequence

from sgdphysics.claims.outcomes import (
    CHECKED,
    FAILED,
    HELD,
    HOLDS,
    MIXED,
    NO,
    NOT_ASKED,
    OPEN,
    PARTLY,
    PARTLY_REPRODUCED,
    UNDECIDED,
    YES,
)


def over_settings(outcomes: Sequence[str]) -> str:
    """Return the outcome of a test from those at its settings.

    Held at all: held. Failed at all: failed. Held at some: mixed. Else undecided: one setting that failed fails no test, and a
    setting that is undecided holds none.
    """
    if set(outcomes) in ({HELD}, {FAILED}):
        return outcomes[0]
    return MIXED if HELD in outcomes else UNDECIDED


def as_published(outcomes: Sequence[str]) -> str:
    """Return whether a claim comes out as it was published, from the outcomes of the tests that ask so.

    "yes" where all held, "no" where all failed, "partly" where one is mixed, or some held and others failed, else "open".
    """
    found = set(outcomes)
    if found == {HELD}:
        return YES
    if found == {FAILED}:
        return NO
    return PARTLY if MIXED in found or {HELD, FAILED} <= found else OPEN


def specific(outcomes: Sequence[str]) -> str:
    """Return whether what lacks the cause fails to give what is claimed, from the outcomes of the tests that ask so.

    "yes" where every control differs in the direction claimed, "no" where one gives the same at all of its settings, else "open";
    "-" where nothing is asked.
    """
    if not outcomes:
        return NOT_ASKED
    if FAILED in outcomes:
        return NO
    return YES if set(outcomes) == {HELD} else OPEN


def word(published: str, specifically: str, identity: bool = False) -> str:
    """Return the verdict on a claim from both answers.

    Args:
        published: "yes", "partly", "no" or "open".
        specifically: "yes", "no", "open" or "-".
        identity: Whether it holds by algebra: then it is only checked.
    """
    if published == YES:
        if identity:
            return CHECKED
        return {YES: HOLDS, NOT_ASKED: HOLDS, NO: "reproduced, not specific", OPEN: "reproduced"}[specifically]
    return {PARTLY: PARTLY_REPRODUCED, NO: "not reproduced", OPEN: OPEN}[published]
