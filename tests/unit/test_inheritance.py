import pytest

from sgdphysics.errors import InputError
from sgdphysics.study import inheritance


def test_mappings_are_laid_over_each_other_and_anything_else_is_replaced():
    base = {"a": 1, "part": {"rates": [1, 2], "deep": {"x": 1, "y": 2}}, "text": {"z": 1}}
    override = {"part": {"rates": [3], "deep": {"y": 5, "new": 6}}, "text": "now text", "b": None}
    assert inheritance.merged(base, override) == {
        "a": 1,
        "part": {"rates": [3], "deep": {"x": 1, "y": 5, "new": 6}},
        "text": "now text",
        "b": None,
    }
    assert base["part"]["deep"] == {"x": 1, "y": 2}


def test_a_study_inherits_over_several_steps():
    studies = {"a": {"rate": 1, "part": {"x": 1, "y": 1}}, "b": {"like": "a", "part": {"y": 2}}, "c": {"like": "b", "rate": 3}}
    assert inheritance.resolved({"studies": studies, "study": "c"}) == {
        "study": "c",
        "studies": {
            "a": {"rate": 1, "part": {"x": 1, "y": 1}},
            "b": {"rate": 1, "part": {"x": 1, "y": 2}},
            "c": {"rate": 3, "part": {"x": 1, "y": 2}},
        },
    }


@pytest.mark.parametrize("config", [{}, {"studies": None}, {"studies": [1]}, {"studies": 3}])
def test_settings_without_studies_are_refused(config):
    with pytest.raises(InputError, match="studies: found nothing, expected at least one study"):
        inheritance.resolved(config)


@pytest.mark.parametrize(
    ("studies", "message"),
    [
        ({"a": {"like": "b"}, "c": {}}, "studies.a.like: found 'b', expected another study: c"),
        ({"a": {"like": "a"}}, "studies.a.like: found 'a', expected another study: "),
        ({"a": {"like": "b"}, "b": {"like": "c"}, "c": {"like": "b"}}, "studies.c.like: found 'b', expected another study: "),
        ({"a": 3}, "studies.a: found 3, expected a study's settings"),
    ],
)
def test_a_study_that_cannot_be_completed_is_named(studies, message):
    with pytest.raises(InputError, match=f"^{message}"):
        inheritance.resolved({"studies": studies})
