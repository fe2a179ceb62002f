"""Statistics of the papers and verdicts of claims."""
