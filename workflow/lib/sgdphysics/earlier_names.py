"""Names in the tables of studies that an earlier version published, as they are now."""

import pandas as pd

KINDS = {"noise_without_landscape": "frozen_noise", "other_noise_without_landscape": "other_frozen_noise"}  # of exponents


def renewed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names of now in its column "kind", where it has one."""
    return table.assign(kind=table["kind"].replace(KINDS)) if "kind" in table else table
