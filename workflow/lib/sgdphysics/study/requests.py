"""What jobs ask of a machine or a cluster: memory and time, from what they are planned to need, with room to spare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sgdphysics.study import costs, plans


@dataclass(frozen=True)
class Request:
    """What a job is to need at most, by far.

    With ``--resources mem_mb=...`` as many jobs run at a time as fit into this memory; a cluster is asked for both. Data of unknown
    size are taken for large ones.

    Attributes:
        plan: Makes the plan of the job.
        entry: Of its data set.
        measured: Costs, from ``config/costs.yaml``.
    """

    plan: Callable[[], costs.Job]
    entry: Mapping[str, Any]
    measured: Mapping[str, Any]

    @cached_property
    def megabytes(self) -> int:
        """Memory in 10^6 bytes. On a cluster Snakemake itself is there twice beside the job, with 400 MB each."""
        if not plans.is_known(self.entry):
            return 4000
        return round(1000 + 1.5e-6 * costs.memory(self.plan(), self.measured))

    @cached_property
    def minutes(self) -> int:
        """Time in minutes."""
        if not plans.is_known(self.entry):
            return 120
        return round(10 + 4 * costs.seconds(self.plan(), self.measured) / 60)
