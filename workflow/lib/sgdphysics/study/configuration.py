"""The files of ``config/``, read and checked: studies complete, data sets, costs, claims.

Used by the workflow when it starts, by the command ``sgdphysics``, and by whoever wants the runs of a study in a notebook.
"""

import functools
import json
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sgdphysics.errors import InputError, one_line
from sgdphysics.study import checks, inheritance

SOURCES = Path(__file__).parents[1] / "sources"  # one module a source of data sets
HOLDS_ITSELF = "found settings that hold themselves (&name, *name), or are nested too deep"


class Configuration:
    """What the files of ``config/`` say.

    Args:
        root: Folder of the project.
        settings: Content of ``config/config.yaml`` with what is laid over it; see `laid_over`.

    Attributes:
        root: As given.
        datasets: The data sets by name: those of ``config/datasets.yaml``, and the settings' own under ``datasets``.
        study: Name of the study that is made by default.
        mirror: Folder of data files that is looked at before the network, or None.

    Raises:
        InputError: With one line that names the file, the key, what was found and what is expected.
    """

    def __init__(self, root: Path, settings: Mapping[str, Any]) -> None:
        self.root = Path(root)
        registry: dict[str, Any] = self._checked("datasets")["datasets"]
        _check_sources(registry, "config/datasets.yaml: ")
        try:
            checks.check_plain(settings)
            self.datasets = {**registry, **self._further_datasets(settings, registry)}
            self._settings = inheritance.resolved(settings)
            checks.check(self._settings, self._schema("config"), self.datasets)
        except RecursionError:
            raise InputError(f"config error: {HOLDS_ITSELF}") from None
        except InputError as error:
            raise InputError(f"config error: {error}") from None
        self.study: str = self._settings["study"]
        self.mirror: str | None = self._settings["mirror"]

    @property
    def studies(self) -> dict[str, Any]:
        """Every study by name, complete."""
        return self._settings["studies"]

    @functools.cached_property
    def costs(self) -> dict[str, Any]:
        """What each kind of work takes, from ``config/costs.yaml``."""
        return self._checked("costs")

    @functools.cached_property
    def claims(self) -> list[dict[str, Any]]:
        """The entries of ``config/claims.yaml``; `claims.ledger.check` says whether their statistics, tables and figures exist."""
        return self._checked("claims")["claims"]

    def _checked(self, name: str) -> dict[str, Any]:
        """A file of ``config/``, checked against its schema."""
        content = read(self.root / "config" / f"{name}.yaml", f"config/{name}.yaml")
        try:
            checks.check_schema(content, self._schema(name))
        except RecursionError:
            raise InputError(f"config/{name}.yaml: {HOLDS_ITSELF}") from None
        except InputError as error:
            raise InputError(f"config/{name}.yaml: {error}") from None
        return content

    def _further_datasets(self, settings: Any, registry: Mapping[str, Any]) -> dict[str, Any]:
        """The data sets that the settings declare themselves, checked as those of the registry are."""
        if not (isinstance(settings, Mapping) and "datasets" in settings):
            return {}
        entries = settings["datasets"]
        checks.check_schema({"datasets": entries}, self._schema("datasets"))
        _check_sources(entries)
        for name in entries.keys() & registry.keys():
            if change := inheritance.first_change(registry[name], entries[name], f"datasets.{name}"):
                raise InputError(f"{change}, and config/datasets.yaml has this name already: other data need another name")
        return entries

    def _schema(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / "workflow" / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def laid_over(root: Path, files: Iterable[Path] = ()) -> Any:
    """Return ``config/config.yaml`` with files of settings laid over it, later ones over earlier ones, as Snakemake does."""
    settings: Any = {}
    for path, name in ((Path(root) / "config" / "config.yaml", "config/config.yaml"), *((Path(file), str(file)) for file in files)):
        content = read(path, name)
        if not isinstance(content, Mapping):
            raise InputError(f"{name}: found {content!r}, expected settings by name")
        settings = inheritance.merged(settings, content)
    return settings


def check_files(paths: Iterable[str | Path]) -> None:
    """Check that files of settings can be read, which others than this module read too; errors as those of `read`."""
    for path in paths:
        read(Path(path), str(path))


def _check_sources(datasets: Mapping[str, Any], file: str = "") -> None:
    """Raise `InputError`, after the name of a file, where a data set that comes with a package names a source that there is not."""
    loaders = sorted({path.stem for path in SOURCES.glob("*.py")} - {"__init__", "source", "idx"})
    for name, entry in datasets.items():
        if "loader" in entry and entry["loader"] not in loaders:
            fault = f"found {entry['loader']!r}, expected one of {', '.join(loaders)}"
            raise InputError(f"{file}datasets.{name}.loader: {fault}")


def read(path: Path, name: str) -> Any:
    """Return the content of a YAML file; raises `InputError` with its name where it cannot be read, or `content_of` does."""
    try:
        return content_of(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{name}: not YAML: {one_line(error)}") from None
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise InputError(f"{name}: {error}") from None
    except RecursionError:
        raise InputError(f"{name}: found lists or settings that are nested too deep") from None
    except (ValueError, AttributeError) as error:  # of what only looks like a date or a number
        raise InputError(f"{name}: found a value that YAML cannot read ({one_line(error)}), expected it in quotes") from None


def content_of(text: str | bytes) -> Any:
    """Return the content of YAML.

    Raises:
        InputError: If a mapping has a key twice, of which YAML itself would take the last.
        yaml.YAMLError: If it is none.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Reads plain values, and no mapping with a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # what is merged from another mapping (<<) may be overridden
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, Hashable):
                if key in lines:
                    raise InputError(f"{key}: found twice, in lines {lines[key]} and {line}, expected once")
                lines[key] = line
        return super().construct_mapping(node, deep)
