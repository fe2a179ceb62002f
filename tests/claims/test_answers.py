"""From outcomes of tests to answers, and from answers to the word."""

import itertools

import pytest

from sgdphysics.claims import answers
from sgdphysics.claims.outcomes import VERDICTS, WORDS

HELD, FAILED, MIXED, UNDECIDED = "held", "failed", "mixed", "undecided"
HELD_AT_SOME, FAILED_AT_SOME = "held at some", "failed at some"


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ([HELD], HELD),
        ([FAILED], FAILED),
        ([UNDECIDED], UNDECIDED),
        ([HELD] * 9, HELD),
        ([FAILED] * 9, FAILED),
        ([HELD] * 8 + [FAILED], MIXED),  # one failing setting fails nothing
        ([HELD] * 8 + [UNDECIDED], HELD_AT_SOME),  # and nothing failed where one is open
        ([HELD] + [FAILED] * 8, MIXED),
        ([HELD, UNDECIDED, FAILED], MIXED),
        ([UNDECIDED] * 8 + [FAILED], FAILED_AT_SOME),
        ([UNDECIDED] * 9, UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_a_test_over_settings_that_all_stand_out(settings, outcome):
    assert {answers.over_settings(order, order) for order in (settings, settings[::-1])} == {outcome}


@pytest.mark.parametrize(
    ("settings", "together", "outcome"),
    [
        ([HELD] * 9, [UNDECIDED] * 9, HELD),  # each of them held: chance would have had to be at work nine times
        ([FAILED] * 9, [UNDECIDED] * 9, FAILED),
        ([HELD] * 8 + [FAILED], [HELD] * 8 + [UNDECIDED], HELD_AT_SOME),
        ([UNDECIDED] * 8 + [FAILED], [UNDECIDED] * 9, UNDECIDED),
        ([UNDECIDED] * 8 + [HELD], [UNDECIDED] * 9, UNDECIDED),
        ([HELD, FAILED], [UNDECIDED, UNDECIDED], UNDECIDED),
    ],
)
def test_a_setting_that_chance_gives_counts_for_nothing(settings, together, outcome):
    assert answers.over_settings(settings, together) == outcome


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
        ([HELD_AT_SOME, FAILED], "partly"),
        ([HELD, FAILED_AT_SOME], "partly"),
        ([HELD_AT_SOME, FAILED_AT_SOME], "partly"),
        ([HELD, UNDECIDED], "at least partly"),
        ([HELD, HELD_AT_SOME], "at least partly"),
        ([HELD_AT_SOME], "at least partly"),
        ([HELD_AT_SOME, UNDECIDED], "at least partly"),
        ([FAILED, UNDECIDED], "at most partly"),
        ([FAILED, FAILED_AT_SOME], "at most partly"),
        ([FAILED_AT_SOME, UNDECIDED], "at most partly"),
        ([UNDECIDED], "open"),
        ([], "open"),
    ],
)
def test_as_published(outcomes, published):
    assert {answers.as_published(order) for order in itertools.permutations(outcomes)} == {published}


SETTLED = {HELD: {HELD}, FAILED: {FAILED}, MIXED: {MIXED}, UNDECIDED: {HELD, FAILED, MIXED}}
SETTLED |= {HELD_AT_SOME: {HELD, MIXED}, FAILED_AT_SOME: {FAILED, MIXED}}


@pytest.mark.parametrize("outcomes", list(itertools.combinations_with_replacement(SETTLED, 3)))
def test_an_answer_is_what_all_ways_to_settle_what_is_open_have_in_common(outcomes):
    """The independent route: settle every open part in every way, and see which answers are left."""
    left = {answers.as_published(settled) for settled in itertools.product(*(SETTLED[outcome] for outcome in outcomes))}
    in_words = {"yes": {"yes"}, "no": {"no"}, "partly": {"partly"}, "open": {"yes", "partly", "no"}}
    in_words |= {"at least partly": {"yes", "partly"}, "at most partly": {"partly", "no"}}
    assert in_words[answers.as_published(outcomes)] == left


@pytest.mark.parametrize(
    ("outcomes", "specific"),
    [
        ([], "-"),
        ([HELD], "yes"),
        ([HELD, HELD], "yes"),
        ([FAILED], "no"),
        ([HELD, FAILED], "no"),  # one control that gives the same is enough
        ([UNDECIDED, FAILED], "no"),
        ([FAILED, MIXED], "no"),
        ([HELD, MIXED], "partly"),  # it gives the same at some settings
        ([MIXED], "partly"),
        ([UNDECIDED, FAILED_AT_SOME], "partly"),
        ([HELD, UNDECIDED], "open"),
        ([HELD, HELD_AT_SOME], "open"),
        ([UNDECIDED], "open"),
    ],
)
def test_specific(outcomes, specific):
    assert {answers.specific(order) for order in itertools.permutations(outcomes)} == {specific}


SPECIFIC = ("yes", "partly", "no", "open", "-")


@pytest.mark.parametrize(
    ("published", "specific", "word"),
    [
        ("yes", "yes", "holds"),
        ("yes", "-", "holds"),
        ("yes", "no", "reproduced, not specific"),
        ("yes", "open", "reproduced"),
        ("yes", "partly", "reproduced"),
        *(("at least partly", specific, "at least partly reproduced") for specific in SPECIFIC),
        *(("partly", specific, "partly reproduced") for specific in SPECIFIC),
        *(("at most partly", specific, "at most partly reproduced") for specific in SPECIFIC),
        *(("no", specific, "not reproduced") for specific in SPECIFIC),
        *(("open", specific, "open") for specific in SPECIFIC),
    ],
)
def test_the_word(published, specific, word):
    assert answers.word(published, specific) == word
    assert word in WORDS
    identity = answers.word(published, specific, identity=True)
    assert identity == ("checked" if published == "yes" else word)
    assert identity in VERDICTS
