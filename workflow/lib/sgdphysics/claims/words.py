"""What came out of tests, in words: for the ledger and for those who show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sgdphysics.claims.outcomes import AS_PUBLISHED, CONTEXT, FAILED, HELD, MIXED, REPORTED, SPECIFIC, UNDECIDED

_QUESTIONS = {AS_PUBLISHED: "as published", SPECIFIC: "specific"}
_IN_WORDS = {
    AS_PUBLISHED: {HELD: "held", FAILED: "failed", UNDECIDED: "open", MIXED: "held"},
    SPECIFIC: {HELD: "differs", FAILED: "the same", UNDECIDED: "open", MIXED: "differs"},
    CONTEXT: {REPORTED: ""},
}


def of_answers(tests: Sequence[Mapping[str, Any]]) -> str:
    """Return which tests made the answers to both questions, with the number of settings where there are several."""
    parts = []
    for asks, name in _QUESTIONS.items():
        told = [f"{test['test'].replace('_', ' ')} {outcome_in_words(test)}" for test in tests if test["asks"] == asks]
        parts += [f"{name}: {', '.join(told)}"] if told else []
    return "; ".join(parts)


def outcome_in_words(test: Mapping[str, Any]) -> str:
    """Return what came out of a test, a row of ``claim_tests.csv``, and at how many settings; empty if it decides nothing."""
    word, settings = _IN_WORDS[test["asks"]][test["outcome"]], int(test["settings"])
    if not word or settings < 2:
        return word
    if test["outcome"] == MIXED:
        return f"{word} at {test['settings_held']} of {settings} settings"
    if test["outcome"] == UNDECIDED and test["settings_failed"]:
        return f"{word}, failed at {test['settings_failed']} of {settings} settings"
    return f"{word} at all {settings} settings"
