"""What is seen of a run: in a terminal how far it is, elsewhere one line a job; its verdicts at the end.

A plugin of Snakemake, which finds it by its name: ``logger: sgdphysics`` in the profiles, or ``--logger sgdphysics``.
"""

from snakemake_logger_plugin_sgdphysics.handler import LogHandler

__all__ = ["LogHandler"]
