"""How many claims have which verdict, by where they are stated: a count of all together says nothing."""

import pandas as pd

from sgdphysics.claims.outcomes import FIRST_EDITION, HOLDS, SOURCES, TOY_MODEL, WORDS

ALL = "all"


def by_source(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return how many empirical claims have each verdict.

    Two readings of one sentence, of which hardly both can hold, are not counted.

    Args:
        ledger: ``claims.csv``; that of a first edition, which has no sources, is counted as one.

    Returns:
        One row per verdict, from good to bad, with the columns "all" and, from the paper to us, each source that there is.
    """
    words = list(WORDS if "source" in ledger else FIRST_EDITION)
    rows = ledger[(ledger["kind"] == "empirical") & ~_is_reading(ledger)]
    sources = [name for name in SOURCES if "source" in ledger and (rows["source"] == name).any()]
    counted = {ALL: rows["verdict"].value_counts()}
    counted |= {name: rows.loc[rows["source"] == name, "verdict"].value_counts() for name in sources}
    return pd.DataFrame({name: counts.reindex(words, fill_value=0) for name, counts in counted.items()}).rename_axis("verdict")


def notes(ledger: pd.DataFrame) -> list[str]:
    """Return what stands beside these counts, in words: identities, readings of one sentence, and what is of the toy model."""
    return [*_identities(ledger), *_readings(ledger), *_of_the_toy_model(ledger)]


def _identities(ledger: pd.DataFrame) -> list[str]:
    """How many identities were checked; they stand apart."""
    rows = ledger[ledger["kind"] == "identity"]
    held = rows["verdict"].isin(["checked", "replicated"]).sum()
    return [f"{held} of {len(rows)} identities checked, which stand apart as they hold by algebra"] if len(rows) else []


def _readings(ledger: pd.DataFrame) -> list[str]:
    verdicts = ledger.set_index("claim")["verdict"]
    rows = ledger[_other_reading(ledger).isin(ledger["claim"])]
    return [
        f"two readings of one sentence are not counted: {name} ({verdicts[name]}) and {other} ({verdicts[other]})"
        for name, other in zip(rows["claim"], _other_reading(rows), strict=True)
    ]


def _of_the_toy_model(ledger: pd.DataFrame) -> list[str]:
    if "system" not in ledger:
        return []
    rows = ledger[(ledger["system"] == TOY_MODEL) & (ledger["kind"] == "empirical") & ~_is_reading(ledger)]
    holding = rows["source"][rows["verdict"] == HOLDS].value_counts()
    by_source = ", ".join(f"{holding[name]} {name}" for name in SOURCES if name in holding)
    told = f", of which {holding.sum()} hold" + (f" ({by_source})" if by_source else "")
    return [f"{len(rows)} of these claims are about a toy model and no network{told}"] if len(rows) else []


def _is_reading(ledger: pd.DataFrame) -> pd.Series:
    """Which claims are one of two readings of a sentence, both of which the ledger has."""
    other = _other_reading(ledger)
    return other.isin(ledger["claim"]) | ledger["claim"].isin(other)


def _other_reading(ledger: pd.DataFrame) -> pd.Series:
    """The other reading of the sentence that a claim is one of; empty where there is none."""
    return ledger["other_reading"].fillna("") if "other_reading" in ledger else pd.Series("", ledger.index)
