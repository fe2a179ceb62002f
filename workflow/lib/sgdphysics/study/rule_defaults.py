"""What all rules of the workflow have alike, so that each says only what it is for.

Works on Snakemake's objects; this module does not import Snakemake.
"""

from typing import Any

from sgdphysics.study.code import Code


def complete(workflow: Any, declared: Any, code: Code) -> None:
    """Give a rule, as far as it does not say otherwise, its code, a log, a benchmark and an environment.

    The code of a rule's script is an input of the rule, so that a figure's chain shows it, and its hash a setting: Snakemake
    compares times before checksums, so an edit with an old time would be missed. What draws or tabulates takes seconds, so on a
    cluster it runs beside Snakemake.

    Args:
        workflow: Snakemake's object of the workflow.
        declared: Of the rule, in ``workflow.rules``.
        code: The code of this checkout.
    """
    if not declared.script:
        return
    path_modifier = workflow.modifier.path_modifier
    script = declared.script.removeprefix("../")
    if "code" not in declared.input.keys():  # noqa: SIM118 (iterating gives the files, not their names)
        declared.input_modifier = path_modifier
        declared.set_input(code=code.behind(script))
    if "code" not in declared.params.keys():  # noqa: SIM118
        declared.set_params(code=code.digest(*code.behind(script)))
    place = _place_of_jobs(declared)
    if not declared.log:
        declared.log_modifier = path_modifier
        declared.set_log(f"results/{{study}}/logs/{place}.log")
    if not declared.benchmark and "study" in declared.wildcard_names:
        declared.benchmark_modifier = path_modifier
        declared.benchmark = f"results/{{study}}/benchmarks/{place}.tsv"
    drawing = script.startswith("scripts/figures/")
    if not declared.conda_env:
        declared.conda_env = f"../../envs/{'plot' if drawing else 'compute'}.yaml"
    if drawing or script.startswith("scripts/tabulate_"):
        workflow.localrules(declared.name)


def tables_behind(declared: Any) -> list[str]:
    """Return the paths of a study's tables among the inputs of a rule, with ``{study}`` in them."""
    return [str(path) for path in declared.input if isinstance(path, str) and path.startswith("results/{study}/tables/")]


def _place_of_jobs(declared: Any) -> str:
    """Where the logs of a rule's jobs are among those of a study: one file, or a folder where a study has several such jobs."""
    output = str(declared.output[0])
    names = sorted(declared.wildcard_names - {"study"}, key=lambda name: output.index(f"{{{name}"))
    wildcards = "_".join(f"{{{name}}}" for name in names)
    return f"{declared.name}/{wildcards}" if wildcards else declared.name
