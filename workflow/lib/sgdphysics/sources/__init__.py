"""Where data sets come from: one module a source, with a function ``read``."""
