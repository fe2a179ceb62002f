"""From the outcomes of tests to the answers of a claim's two questions, and from these to one word."""

from collections.abc import Collection, Sequence

from sgdphysics.claims.outcomes import (
    AT_LEAST_PARTLY,
    AT_MOST_PARTLY,
    CHECKED,
    FAILED,
    FAILED_AT_SOME,
    HELD,
    HELD_AT_SOME,
    HOLDS,
    IN_PART,
    MIXED,
    NO,
    NOT_ASKED,
    OPEN,
    PARTLY,
    UNDECIDED,
    YES,
)


def over_settings(outcomes: Sequence[str], together: Sequence[str]) -> str:
    """Return the outcome of a test from those at its settings.

    Held at all: held. Failed at all: failed. Else a setting counts only where it stands out of as many as were asked: one of
    nine that fails by chance says nothing of the claim.

    Args:
        outcomes: At each setting, by its own interval.
        together: At each, by an interval so wide that all of them together are as sure as one.
    """
    if set(outcomes) in ({HELD}, {FAILED}):
        return outcomes[0]
    held, failed = HELD in together, FAILED in together
    if held and failed:
        return MIXED
    return HELD_AT_SOME if held else FAILED_AT_SOME if failed else UNDECIDED


def as_published(outcomes: Sequence[str]) -> str:
    """Return whether a claim comes out as it was published, from the outcomes of the tests that ask so.

    "yes" where all held, "no" where all failed, "partly" where some of it was shown to hold and some to fail. Where one of both was
    shown and the rest is open: "at least partly" if what was shown holds, "at most partly" if it fails. "open" where nothing was.
    """
    found = set(outcomes)
    if found == {HELD}:
        return YES
    if found == {FAILED}:
        return NO
    held, failed = _any(found, HELD, HELD_AT_SOME), _any(found, FAILED, FAILED_AT_SOME)
    if held and failed:
        return PARTLY
    return AT_LEAST_PARTLY if held else AT_MOST_PARTLY if failed else OPEN


def specific(outcomes: Sequence[str]) -> str:
    """Return whether what lacks the cause fails to give what is claimed, from the outcomes of the tests that ask so.

    "yes" where every control differs in the direction claimed, "no" where one does not at all of its settings (it gives the same,
    or what is left goes the other way), "partly" where one does not at some, else "open"; "-" where nothing is asked.
    """
    found = set(outcomes)
    if not found:
        return NOT_ASKED
    if FAILED in found:
        return NO
    if _any(found, FAILED_AT_SOME):
        return PARTLY
    return YES if found == {HELD} else OPEN


def word(published: str, specifically: str, identity: bool = False) -> str:
    """Return the verdict on a claim from both answers.

    Args:
        published: Whether it comes out as published.
        specifically: Whether it is specific.
        identity: Whether it holds by algebra: then it is only checked.
    """
    if published in IN_PART:
        return IN_PART[published]
    if published != YES:
        return {NO: "not reproduced", OPEN: OPEN}[published]
    if identity:
        return CHECKED
    return {YES: HOLDS, NOT_ASKED: HOLDS, NO: "reproduced, not specific"}.get(specifically, "reproduced")


def _any(found: Collection[str], *outcomes: str) -> bool:
    """Whether one of the outcomes is among those found; what is mixed has both."""
    return not {*outcomes, MIXED}.isdisjoint(found)
