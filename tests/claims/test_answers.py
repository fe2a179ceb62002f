"""From outcomes of tests to answers, and from answers to the word."""

import itertools

import pytest

from sgdphysics.claims import answers
from sgdphysics.claims.outcomes import VERDICTS, WORDS

HELD, FAILED, MIXED, UNDECIDED = "held", "failed", "mixed", "undecided"


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ([HELD], HELD),
        ([FAILED], FAILED),
        ([UNDECIDED], UNDECIDED),
        ([HELD] * 9, HELD),
        ([FAILED] * 9, FAILED),
        ([HELD] * 8 + [FAILED], MIXED),  # one failing setting fails nothing
        ([HELD] * 8 + [UNDECIDED], MIXED),
        ([HELD] + [FAILED] * 8, MIXED),
        ([UNDECIDED] * 8 + [FAILED], UNDECIDED),
        ([UNDECIDED] * 9, UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_a_test_over_settings(settings, outcome):
    assert {answers.over_settings(order) for order in (settings, settings[::-1])} == {outcome}


@pytest.mark.parametrize(
    ("outcomes", "published"),
    [
        ([HELD], "yes"),
        ([HELD, HELD], "yes"),
        ([FAILED], "no"),
        ([FAILED, FAILED], "no"),
        ([MIXED], "partly"),
        ([HELD, FAILED], "partly"),
        ([HELD, MIXED], "partly"),
        ([FAILED, MIXED], "partly"),
        ([UNDECIDED, MIXED], "partly"),
        ([HELD, FAILED, UNDECIDED], "partly"),
        ([HELD, UNDECIDED], "open"),
        ([FAILED, UNDECIDED], "open"),
        ([UNDECIDED], "open"),
        ([], "open"),
    ],
)
def test_as_published(outcomes, published):
    assert {answers.as_published(order) for order in itertools.permutations(outcomes)} == {published}


@pytest.mark.parametrize(
    ("outcomes", "specific"),
    [
        ([], "-"),
        ([HELD], "yes"),
        ([HELD, HELD], "yes"),
        ([FAILED], "no"),
        ([HELD, FAILED], "no"),  # one control that gives the same is enough
        ([UNDECIDED, FAILED], "no"),
        ([HELD, UNDECIDED], "open"),
        ([HELD, MIXED], "open"),
        ([MIXED], "open"),
        ([UNDECIDED], "open"),
    ],
)
def test_specific(outcomes, specific):
    assert {answers.specific(order) for order in itertools.permutations(outcomes)} == {specific}


@pytest.mark.parametrize(
    ("published", "specific", "word"),
    [
        ("yes", "yes", "holds"),
        ("yes", "-", "holds"),
        ("yes", "no", "reproduced, not specific"),
        ("yes", "open", "reproduced"),
        *(("partly", specific, "partly reproduced") for specific in ("yes", "no", "open", "-")),
        *(("no", specific, "not reproduced") for specific in ("yes", "no", "open", "-")),
        *(("open", specific, "open") for specific in ("yes", "no", "open", "-")),
    ],
)
def test_the_word(published, specific, word):
    assert answers.word(published, specific) == word
    assert word in WORDS
    identity = answers.word(published, specific, identity=True)
    assert identity == ("checked" if published == "yes" else word)
    assert identity in VERDICTS
