"""What a notebook says of a claim: what the paper says, whether it comes out, whether it is specific, and what that means.

All of it is computed from the ledger, by rules that are the same for every claim.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sgdphysics.claims import words
from sgdphysics.claims.outcomes import AS_PUBLISHED, CONTEXT, NOT_ASKED, SOURCES, SPECIFIC
from sgdphysics.report.seed_means import Interval
from sgdphysics.report.text import numbers_with_minus, plain, with_minus

# By verdict; "cause" is what the source says makes it so.
_MEANINGS = {
    "holds": {
        "yes": "It comes out, and what lacks the cause does not give it.",
        "-": "It comes out; nothing is claimed about a cause.",
    },
    "reproduced": {
        "open": "It comes out; whether the cause that is claimed is needed for it, the controls do not tell.",
        "partly": "It comes out, and beyond what lacks the cause that is claimed at some settings only.",
    },
    "reproduced, not specific": "It comes out, but not beyond what lacks the cause that is claimed by more than the margin of a"
    " test: it is no evidence for that cause.",
    "at least partly reproduced": "It comes out in some of its parts or settings; the others are open.",
    "partly reproduced": "It comes out in some of its parts or settings, and not in others.",
    "at most partly reproduced": "It does not come out in some of its parts or settings; the others are open.",
    "not reproduced": "It does not come out.",
    "open": "This study does not tell.",
    "checked": "It holds by algebra, and the code computes what it says.",
}


def of_claim(claim: Mapping[str, Any], tests: pd.DataFrame, stated: str) -> str:
    """Return the story of a claim as Markdown.

    Args:
        claim: Its row of ``claims.csv``.
        tests: Its rows of ``claim_tests.csv``.
        stated: Where it is stated.
    """
    lines = [f"**{claim['statement']}.** *{claim['verdict'].capitalize()}.*", ""]
    source = SOURCES.get(str(claim.get("source", "")), "")
    lines.append(f"- *What is said.* {numbers_with_minus(stated) or 'Not noted'}{f' ({source})' if source else ''}.")
    if "as_published" not in claim:  # the ledger of a first edition
        return "\n".join(lines)
    lines.append(f"- *As published: {claim['as_published']}.* {_of_tests(tests, AS_PUBLISHED)}")
    if (tests["asks"] == SPECIFIC).any():
        answer = "" if claim["specific"] == NOT_ASKED else f": {claim['specific']}"
        lines.append(f"- *Against its controls{answer}.* {_of_tests(tests, SPECIFIC)}")
    lines.append(f"- *What it means.* {meaning(claim)}")
    if (tests["asks"] == CONTEXT).any():
        lines.append(f"- *Beside it.* {_of_tests(tests, CONTEXT)}")
    return "\n".join(lines)


def meaning(claim: Mapping[str, Any]) -> str:
    """Return what both answers mean together; where one is open, why."""
    found = _MEANINGS[claim["verdict"]]
    text = found if isinstance(found, str) else found[claim["specific"]]
    reason = claim["open_because"]
    return f"{text} Open: {numbers_with_minus(reason)}." if isinstance(reason, str) and reason else text


def estimate(test: Mapping[str, Any]) -> Interval:
    """Return the value of a test with its interval, at the setting that is least in favour of the claim."""
    return Interval(
        mean=float(test["value"]),
        low=float(test["ci_low"]),
        high=float(test["ci_high"]),
        seeds=int(test["n_seeds"]),
        setting=str(test["setting"]),
    )


def _of_tests(tests: pd.DataFrame, asks: str) -> str:
    rows = tests[tests["asks"] == asks].to_dict("records")
    return "; ".join(_of_test(row) for row in rows) + "."


def _of_test(test: Mapping[str, Any]) -> str:
    several = test["settings"] > 1
    which = words.range_in_words(test) if test["asks"] == CONTEXT else "the least in favour"
    where = f" at {plain(test['setting'])}, {numbers_with_minus(which)}" if several else ""
    wanted = f", wanted {with_minus(str(test['region']))}" if pd.notna(test["region"]) else ""
    outcome = words.outcome_in_words(test)
    ended = f": {outcome}" if outcome else ""
    return f"{plain(test['test'])} {estimate(test)}{where}{wanted}{ended}"


def of_claims(claims: pd.DataFrame, tests: pd.DataFrame, names: Sequence[str], stated: Mapping[str, str]) -> str:
    """Return the stories of the named claims that the ledger has, one after the other."""
    there = [claims[claims["claim"] == name] for name in names]
    return "\n\n".join(
        of_claim(rows.iloc[0], tests[tests["claim"] == rows["claim"].iloc[0]], stated.get(str(rows["claim"].iloc[0]), ""))
        for rows in there
        if len(rows)
    )
