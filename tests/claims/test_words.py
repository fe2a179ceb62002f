"""What came out of tests, in words."""

import pytest

from sgdphysics.claims import words


def row(outcome, settings=1, held=0, failed=0, **further):
    return {"outcome": outcome, "settings": settings, "settings_held": held, "settings_failed": failed, **further}


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (row("held"), "held"),
        (row("failed"), "failed"),
        (row("undecided"), "open"),
        (row("reported", 5), ""),
        (row("held", 5, held=5), "held at all 5 settings"),
        (row("failed", 15, failed=15), "failed at all 15 settings"),
        (row("undecided", 5), "open at all 5 settings"),
        (row("mixed", 9, held=8, failed=1), "held at 8 and failed at 1 of 9 settings"),
        (row("mixed", 9, held=5, failed=1), "held at 5, failed at 1 and open at 3 of 9 settings"),
        (row("held at some", 8, held=7), "held at 7 and open at 1 of 8 settings"),
        (row("failed at some", 4, failed=1), "failed at 1 and open at 3 of 4 settings"),
        (row("undecided", 9, failed=1), "failed at 1 and open at 8 of 9 settings (none clear enough among so many)"),
        (
            row("held at some", 21, held=19, failed=1),
            "held at 19, failed at 1 and open at 1 of 21 settings (what failed not clear enough among so many)",
        ),
        (
            row("failed at some", 3, held=1, failed=2),
            "held at 1 and failed at 2 of 3 settings (what held not clear enough among so many)",
        ),
    ],
)
def test_what_came_out_at_how_many_settings(test, told):
    assert words.outcome_in_words(test) == told


def test_a_ledger_of_before_does_not_say_at_how_many_a_test_failed():
    before = {"outcome": "failed", "settings": 9, "settings_held": 8}
    assert words.outcome_in_words(before) == "held at 8 of 9 settings"


def test_a_range_over_settings():
    told = words.range_in_words(row("reported", 3, value_lowest=-1.5, value_highest=0.25))
    assert told == "one of 3 settings, from -1.5 to 0.25"
    nothing = float("nan")
    assert words.range_in_words(row("reported", 3, value_lowest=nothing, value_highest=nothing)) == "one of 3 settings"
    assert words.range_in_words(row("reported", 3)) == "one of 3 settings"


def test_answers_are_told_by_question():
    tests = [
        {**row("held"), "asks": "as_published", "test": "a_number"},
        {**row("failed", 2, failed=2), "asks": "as_published", "test": "a_relation"},
        {**row("held"), "asks": "specific", "test": "a_control"},
        {**row("reported"), "asks": "context", "test": "beside_it"},
    ]
    assert words.of_answers(tests) == "as published: a number held, a relation failed at all 2 settings; specific: a control held"
