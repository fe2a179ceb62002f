"""The ledger's file and its schema."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sgdphysics.claims import verdicts
from sgdphysics.errors import InputError
from sgdphysics.study import checks

ROOT = Path(__file__).parents[2]
LEDGER = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text())
SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "claims.schema.json").read_text())

CLAIM = {
    "id": "a_claim",
    "paper": "feng2021",
    "kind": "empirical",
    "source": "abstract",
    "figure": "feng2021_fig2",
    "statement": "It holds",
    "stated": "somewhere",
    "tests": [
        {
            "id": "first",
            "asks": "as_published",
            "statistic": "hessian_exponent",
            "predicted": "above 0",
            "above": 0,
            "margin_from": "abstract",
        },
        {
            "id": "second",
            "asks": "specific",
            "statistic": "hessian_exponent",
            "predicted": 2,
            "between": [1, 3],
            "scope": "every_setting",
            "margin_from": "pilot",
        },
        {"id": "third", "asks": "context", "statistic": "hessian_exponent", "predicted": "x"},
    ],
}


def changed(place, value):
    """A good ledger with one place changed, or removed where the value is None."""
    ledger = {"claims": [copy.deepcopy(CLAIM)]}
    inner = ledger
    for key in place[:-1]:
        inner = inner[key]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return ledger


def test_the_ledger_follows_its_schema():
    checks.check_schema(LEDGER, SCHEMA)


def test_every_statistic_exists_and_every_one_is_used():
    used = {test["statistic"] for claim in LEDGER["claims"] for test in claim["tests"]}
    assert used == set(verdicts.STATISTICS)


def test_the_schema_is_one_and_closed_at_every_level():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    objects = [SCHEMA, *(part for part in SCHEMA["$defs"].values() if part.get("type") == "object")]
    assert len(objects) == 4
    assert all(part["additionalProperties"] is False for part in objects)


def test_the_good_example_is_good():
    checks.check_schema({"claims": [CLAIM]}, SCHEMA)


@pytest.mark.parametrize("region", [{"above": 1}, {"below": 1.5}, {"between": [1, 2]}, {"outside": [-1, 1]}])
@pytest.mark.parametrize("further", [{}, {"scope": "reference"}, {"scope": "every_setting"}])
def test_every_region_is_allowed(region, further):
    test = {"id": "first", "asks": "as_published", "statistic": "x", "predicted": "2", "margin_from": "x", **region, **further}
    checks.check_schema(changed(("claims", 0, "tests"), [test]), SCHEMA)


def test_claims_that_were_split_name_those_that_took_their_place():
    ledger = {"claims": [CLAIM], "superseded": [{"id": "before", "superseded_by": ["a_claim"]}]}
    checks.check_schema(ledger, SCHEMA)
    ledger["superseded"][0]["superseded_by"] = []
    with pytest.raises(InputError, match=r"superseded_by: \[\]"):
        checks.check_schema(ledger, SCHEMA)


@pytest.mark.parametrize("key", [key for key in CLAIM if key != "tests"] + ["tests"])
def test_every_key_of_a_claim_is_needed(key):
    name = "0" if key == "id" else "a_claim"
    with pytest.raises(InputError, match=rf"^claims\[{name}\]: '{key}' is a required property$"):
        checks.check_schema(changed(("claims", 0, key), None), SCHEMA)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("claim",), [], "top level: unknown claim"),
        (("claims",), [], "claims: "),
        (("claims", 0, "statment"), "x", r"claims\[a_claim\]: unknown statment"),
        (("claims", 0, "id"), "A claim", r"claims\[A claim\].id: 'A claim'"),
        (("claims", 0, "paper"), "feng2022", r"claims\[a_claim\].paper: 'feng2022'"),
        (("claims", 0, "kind"), "theoretical", r"claims\[a_claim\].kind: 'theoretical'"),
        (("claims", 0, "figure"), "dinh2017_fig1", r"claims\[a_claim\].figure: 'dinh2017_fig1'"),
        (("claims", 0, "figure"), "feng2021_fig", r"claims\[a_claim\].figure: 'feng2021_fig'"),
        (("claims", 0, "statement"), "", r"claims\[a_claim\].statement: ''"),
        (("claims", 0, "tests"), [], r"claims\[a_claim\].tests: \[\]"),
        (("claims", 0, "tests", 1, "marginn"), 1, r"claims\[a_claim\].tests\[second\]: unknown marginn"),
        (("claims", 0, "tests", 1, "predicted"), None, r"claims\[a_claim\].tests\[second\]: 'predicted' is a required"),
        (("claims", 0, "tests", 1, "statistic"), None, r"claims\[a_claim\].tests\[second\]: 'statistic' is a required"),
        (("claims", 0, "tests", 1, "id"), None, r"claims\[a_claim\].tests\[1\]: 'id' is a required"),
        (
            ("claims", 0, "tests", 0, "above"),
            None,
            r"claims\[a_claim\].tests\[first\]: found none of above, below, between, outside, expected one of them",
        ),
        (
            ("claims", 0, "tests", 0, "below"),
            3,
            r"claims\[a_claim\].tests\[first\]: found above and below of above, below, between, outside",
        ),
        (("claims", 0, "tests", 0, "above"), "1e-3", r"claims\[a_claim\].tests\[first\].above: '1e-3' is not of type 'number'"),
        (("claims", 0, "tests", 1, "between"), [1], r"claims\[a_claim\].tests\[second\].between: \[1\]"),
        (("claims", 0, "tests", 1, "between"), [1, 2, 3], r"claims\[a_claim\].tests\[second\].between: \[1, 2, 3\]"),
        (("claims", 0, "tests", 1, "between"), 2, r"claims\[a_claim\].tests\[second\].between: 2 is not of type 'array'"),
        (("claims", 0, "system"), "toy", r"claims\[a_claim\].system: 'toy'"),
        (("claims", 0, "other_reading"), "Another claim", r"claims\[a_claim\].other_reading: 'Another claim'"),
        (("claims", 0, "source"), "hearsay", r"claims\[a_claim\].source: 'hearsay'"),
        (("claims", 0, "tests", 1, "scope"), "some", r"claims\[a_claim\].tests\[second\].scope: 'some'"),
        (("claims", 0, "tests", 1, "asks"), "why", r"claims\[a_claim\].tests\[second\].asks: 'why'"),
        (("claims", 0, "tests", 1, "asks"), None, r"claims\[a_claim\].tests\[second\]: 'asks' is a required"),
        (("claims", 0, "tests", 1, "margin_from"), None, r"claims\[a_claim\].tests\[second\]: 'margin_from' is a required"),
        # A claim whose first test asks something else would have no value.
        (("claims", 0, "tests", 0, "asks"), "context", r"claims\[a_claim\].tests\[first\]"),
    ],
)
def test_a_fault_is_one_line_that_names_its_place(place, value, message):
    with pytest.raises(InputError, match=f"^{message}") as caught:
        checks.check_schema(changed(place, value), SCHEMA)
    assert "\n" not in str(caught.value)
