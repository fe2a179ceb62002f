"""What came out of tests, in words: for the ledger and for those who show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sgdphysics.claims.outcomes import AS_PUBLISHED, FAILED, FAILED_AT_SOME, HELD, HELD_AT_SOME, REPORTED, SPECIFIC, UNDECIDED

_QUESTIONS = {AS_PUBLISHED: "as published", SPECIFIC: "specific"}
_IN_WORDS = {HELD: "held", FAILED: "failed", UNDECIDED: "open"}


def as_sentence(text: str) -> str:
    """Return words as a sentence, with a capital and a full stop; empty of none."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def of_answers(tests: Sequence[Mapping[str, Any]]) -> str:
    """Return which tests made the answers to both questions, with the number of settings where there are several."""
    parts = []
    for asks, name in _QUESTIONS.items():
        told = [f"{test['test'].replace('_', ' ')} {outcome_in_words(test)}" for test in tests if test["asks"] == asks]
        parts += [f"{name}: {', '.join(told)}"] if told else []
    return "; ".join(parts)


def range_in_words(test: Mapping[str, Any]) -> str:
    """Return between which values all settings of a test lie, a row of ``claim_tests.csv``; one of before does not have them."""
    lowest, highest = test.get("value_lowest", float("nan")), test.get("value_highest", float("nan"))
    settings = f"one of {test['settings']:.0f} settings"
    return f"{settings}, from {lowest:.3g} to {highest:.3g}" if lowest <= highest else settings


def outcome_in_words(test: Mapping[str, Any]) -> str:
    """Return what came out of a test, a row of ``claim_tests.csv``, and at how many settings; empty if it decides nothing.

    That of a first edition does not say at how many it failed.
    """
    outcome, settings = test["outcome"], int(test["settings"])
    if outcome == REPORTED:
        return ""
    if settings < 2:
        return _IN_WORDS[outcome]
    held = int(test["settings_held"])
    if "settings_failed" not in test:
        return f"held at {held} of {settings} settings"
    failed = int(test["settings_failed"])
    counts = {HELD: held, FAILED: failed, UNDECIDED: settings - held - failed}
    *first, last = [f"{_IN_WORDS[found]} at {count}" for found, count in counts.items() if count]
    if not first:
        return last.replace(f"at {settings}", f"at all {settings} settings")
    return f"{', '.join(first)} and {last} of {settings} settings{_not_clear(outcome, held, failed)}"


def _not_clear(outcome: str, held: int, failed: int) -> str:
    """Which settings do not count, since none of them stands out of as many as were asked; in brackets, empty for none."""
    if outcome == UNDECIDED:
        return " (none clear enough among so many)"
    unclear = {HELD_AT_SOME: failed and "failed", FAILED_AT_SOME: held and "held"}.get(outcome)
    return f" (what {unclear} not clear enough among so many)" if unclear else ""
