"""Whether the parameters that a job was given are those that the settings of its study say.

What jobs are given is said by the rules of the workflow, in its own process; here it is told again from the settings alone, so that
a record can be read against itself. What is not known here, or cannot be told from older settings, is let pass.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from sgdphysics.runs import Run
from sgdphysics.study import studies

Settings = Mapping[str, Any]

# Parameters that name runs, and what names them: a rule for all runs of a study is given one of these lists, one of a chunk a part.
_NAMES_OF_RUNS: dict[str, tuple[Callable[[Settings], list[Any]], ...]] = {
    "reference_runs": (studies.reference_runs, studies.reference_runs_of_sweeps),
    "drawn_runs": (lambda settings: studies.reference_runs(settings)[:1],),
    "chosen": (studies.dropout_runs,),
    "talk_runs": (studies.talk_runs,),
    "members": (studies.swept_runs,),
}
_NAMES_OF_CHECKPOINTS = {"per_decade": "checkpoints_per_decade", "losses": "checkpoint_losses", "epochs": "checkpoint_epochs"}
# Of a job's own making (its seeds are those among all its parameters), or compared elsewhere, with the files that say them.
_NOT_SETTINGS = {"seeds", "code", "claims", "entry"}
_OLDER_SETTINGS = (LookupError, TypeError, ValueError)  # of what is missing in them


class StudyParameters:
    """What the jobs of a study are given.

    Args:
        settings: Of the study, complete.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = _as_recorded(settings)
        self._sections = list(_sections(self._settings))

    def first_difference(self, parameters: Mapping[str, Any], wildcards: Collection[str]) -> str:
        """Return in one line where a job's parameters are not those of the settings first; empty where they are, or nothing tells.

        Args:
            parameters: Values by name, as the job's record has them.
            wildcards: Names of its wildcards, such as "chunk".
        """
        if "runs" in parameters:
            return self._of_training(parameters)
        given = {name: value for name, value in parameters.items() if name not in _NOT_SETTINGS}
        lines = (self._of_parameter(name, value, is_share="chunk" in wildcards) for name, value in given.items())
        return next(filter(None, lines), "")

    def _of_parameter(self, name: str, value: Any, *, is_share: bool) -> str:
        if name in _NAMES_OF_RUNS:
            return self._of_names(name, value, is_share=is_share)
        if name == "settings" and isinstance(value, Mapping):
            return self._of_section(value)
        if name == "seed":
            return self._of_seed(value)
        return self._of_section({name: value})

    def _of_section(self, part: Mapping[str, Any]) -> str:
        """Settings by key must be those of one and the same section; keys that no section has are none of the study's."""
        part = {key: value for key, value in part.items() if any(key in section for section in self._sections)}
        lines = [_first_of_section(part, section) for section in self._sections if part.keys() <= section.keys()]
        return "" if "" in lines else next(iter(lines), "")

    def _of_seed(self, seed: Any) -> str:
        seeds = [section["seeds"] for section in self._sections if "seeds" in section]
        return "" if not seeds or any(seed in some for some in seeds) else _line("seed", seed, seeds[0])

    def _of_names(self, name: str, value: Any, *, is_share: bool) -> str:
        """In any order: records have settings in the order of their names."""
        try:
            lists = [_as_recorded(names(self._settings)) for names in _NAMES_OF_RUNS[name]]
        except _OLDER_SETTINGS:
            return ""
        if any(all(entry in names for entry in value) and (is_share or len(value) == len(names)) for names in lists):
            return ""
        surplus = next((entry for entry in value if not any(entry in names for names in lists)), f"{len(value)} runs")
        return _line(name, surplus, "others")

    def _of_training(self, parameters: Mapping[str, Any]) -> str:
        """Runs that were trained together must be runs of the study, with its checkpoints."""
        try:
            given = {Run(**entry): entry for entry in parameters["runs"]}
            checkpoints = self._checkpoints
        except _OLDER_SETTINGS:
            return ""
        for run, entry in given.items() if checkpoints else ():
            if run not in checkpoints:
                return _line("runs", f"a run with {_differing(entry, checkpoints)}", "no such run")
            said = {_NAMES_OF_CHECKPOINTS[key]: value for key, value in checkpoints[run].items()}
            if line := _first_of_section({name: parameters[name] for name in said.keys() & parameters.keys()}, said):
                return line
        return ""

    @cached_property
    def _checkpoints(self) -> dict[Run, Mapping[str, Any]]:
        """The weights that are kept of each run; of none, where runs may be those of a study that is set beside this one."""
        if self._settings["feng2021"]["compared_studies"]:
            return {}
        return {run: chunk.checkpoints for chunk in studies.chunks_of(self._settings) for run in chunk.runs}


def _first_of_section(part: Mapping[str, Any], section: Settings) -> str:
    return next((_line(key, value, section[key]) for key, value in part.items() if value != section[key]), "")


def _differing(entry: Mapping[str, Any], runs: Collection[Run]) -> str:
    """Those of a run's settings that set it apart from the run of the study that is most like it."""
    changes = [{key: value for key, value in entry.items() if _as_recorded(getattr(run, key)) != value} for run in runs]
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in min(changes, key=len, default=dict(entry)).items())


def _sections(settings: Any) -> Iterator[Settings]:
    """The settings and every group of settings in them, at any depth."""
    if isinstance(settings, Mapping):
        yield settings
        for inner in settings.values():
            yield from _sections(inner)


def _line(name: str, given: Any, said: Any) -> str:
    given, said = (value if isinstance(value, str) else json.dumps(value) for value in (given, said))
    return f"{name} was {given}, the settings say {said}"


def _as_recorded(value: Any) -> Any:
    """Values as JSON has them: tuples as lists."""
    return json.loads(json.dumps(value))
