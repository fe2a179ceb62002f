"""What claims and their tests can come out as; those who only read the ledger need none of the code that decides it."""

FEWEST_SEEDS = 5  # fewer decide nothing
VERDICTS = ("replicated", "partly", "inconclusive", "not replicated")  # from good to bad: the order in which they are shown
