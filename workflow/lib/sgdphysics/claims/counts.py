"""How many claims have which verdict, by where they are stated: a count of all together says nothing."""

import pandas as pd

from sgdphysics.claims.outcomes import FIRST_EDITION, SOURCES, WORDS

ALL = "all"


def by_source(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return how many empirical claims have each verdict.

    Args:
        ledger: ``claims.csv``; that of a first edition, which has no sources, is counted as one.

    Returns:
        One row per verdict, from good to bad, with the columns "all" and, from the paper to us, each source that there is.
    """
    rows = ledger[ledger["kind"] == "empirical"]
    words = list(WORDS if "source" in ledger else FIRST_EDITION)
    sources = [name for name in SOURCES if "source" in ledger and (rows["source"] == name).any()]
    counted = {ALL: rows["verdict"].value_counts()}
    counted |= {name: rows.loc[rows["source"] == name, "verdict"].value_counts() for name in sources}
    return pd.DataFrame({name: counts.reindex(words, fill_value=0) for name, counts in counted.items()}).rename_axis("verdict")


def identities(ledger: pd.DataFrame) -> str:
    """Return how many identities were checked, in words; they hold by algebra, and stand apart."""
    rows = ledger[ledger["kind"] == "identity"]
    held = rows["verdict"].isin(["checked", "replicated"]).sum()
    return f"{held} of {len(rows)} identities checked"
