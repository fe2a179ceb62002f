"""The environment of jobs: what of the user's own would reach a result, or stop a job, is taken out before the job starts.

Plumbing: the jobs of the workflow, the kernels of notebooks and the command line all run in it, so that what they make is a
function of settings, code, data and versions. What a machine needs stays: where programs and shared libraries are found, which GPU
to use, proxies, what the queue of a cluster says. Of that, what could still reach a result is recorded with every job: `recorded`.
"""

import io
import locale
import os
import re
import site
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.machinery import PathFinder
from pathlib import Path

from sgdphysics.errors import InputError, one_line

LIBRARY = Path(__file__).parents[1]
# How names of variables begin that are taken out.
TAKEN_OUT = (
    "PYTHON",  # other modules, files that run at the start, no asserts, warnings as errors, other encodings
    *("MPL", "MATPLOTLIB"),  # the look of figures
    *("IPYTHON", "JUPYTER", "PAPERMILL"),  # settings, kernels and start-up files of notebooks
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "NUMEXPR_"),  # threads, order and kind of sums
    *("ATEN_", "TORCH", "PYTORCH", "ONEDNN_", "DNNL_", "CUBLAS_", "CUDNN_", "NVIDIA_TF32_OVERRIDE"),
    *("NPY_", "NUMPY_", "SCIPY_", "PANDAS_", "SKLEARN_"),
    "GLIBC_TUNABLES",  # exp and log differ between kinds of processor
    "TQDM_",
    "BASH_ENV",  # Snakemake starts jobs by bash, which would run this file first
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),  # another repository's commit
)
# Of these, what moves nothing and some machines cannot do without.
STAYS = {"PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"}
# What Snakemake sets to the threads of a job; elsewhere it is one, as for every job.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")
# What a machine may need and could reach a result: libraries that the system's loader takes instead of others.
_LOADED = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT")
# Of what stays, what could reach a result: another Python, bytecode from elsewhere. And of the rest, what could not.
_RECORDED = {"PYTHONHOME", "PYTHONPYCACHEPREFIX"}
_HARMLESS = (
    *STAYS - _RECORDED,
    *("PYTHONUNBUFFERED", "PYTHONFAULTHANDLER", "MPLCONFIGDIR", "TQDM_", "BASH_ENV", "GIT_"),
    *("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR"),  # packages set these
)
_SCIENCE = ("numpy", "torch", "matplotlib", "snakemake")


def prepared(given: Mapping[str, str], caches: Path | None = None) -> dict[str, str]:
    """Return the variables of a job.

    Args:
        given: Variables of the process that starts it.
        caches: Folder in which matplotlib is to keep its list of fonts, in place of the user's home, which may be read-only, and
            whose list may be an old one.
    """
    kept = {name: value for name, value in given.items() if name in STAYS or not name.startswith(TAKEN_OUT)}
    return kept | {
        "PYTHONPATH": str(LIBRARY),  # the library of this checkout, whatever else is installed
        "PYTHONSAFEPATH": "1",  # no module of the working folder in place of one of the same name
        "PYTHONUTF8": "1",  # text is UTF-8, whatever the locale
        "LC_ALL": "C",  # for programs that are not Python: messages in English, points in numbers
        "SOURCE_DATE_EPOCH": "0",
        "MPLBACKEND": "Agg",
        "MATPLOTLIBRC": os.devnull,  # in place of the user's
        **({"MPLCONFIGDIR": str(caches / "matplotlib")} if caches else {}),
        **({} if _needs_user_site() else {"PYTHONNOUSERSITE": "1"}),
        **dict.fromkeys(THREADS, "1"),
    }


def prepare_workflow(folder: Path) -> None:
    """Have this process, Snakemake's, start its jobs in their environment, and itself read and print any text.

    Args:
        folder: In which the workflow runs.

    Raises:
        InputError: If matplotlib could not start in that folder; see `check_matplotlibrc`.
    """
    check_matplotlibrc(folder)
    _replace_variables(prepared(os.environ, Path(folder).resolve() / ".snakemake"))
    if locale.getencoding().lower() != "utf-8":  # in which Snakemake reads the logs of jobs
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    print_any_text()


@contextmanager
def applied(caches: Path | None = None) -> Generator[None]:
    """Have this process, and those that it starts, run in the environment of jobs while the block runs; see `prepared`."""
    before = dict(os.environ)
    try:
        _replace_variables(prepared(before, caches))
        yield
    finally:
        _replace_variables(before)


def print_any_text() -> None:
    """Have both streams print signs that their encoding lacks as escapes, where Python would stop with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def recorded(variables: Mapping[str, str], threads: int = 1) -> dict[str, str]:
    """Return those of a job's variables that could reach its result; of paths their last names.

    They were left to it, or set after its environment was prepared, as a shell or an environment of conda may do. What the workflow
    sets, the same for every job or as many threads as the job has, is none of them.

    Args:
        variables: Of the job.
        threads: Of the job.
    """
    loaded = {name: _last_names(variables[name]) for name in _LOADED if variables.get(name)}
    usual = prepared({}) | {"PYTHONNOUSERSITE": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    usual |= dict.fromkeys((*THREADS, "GOTO_NUM_THREADS"), str(threads))  # as Snakemake sets them
    others = {
        name: re.sub(r"[^\s:;,=]*/", "", value)
        for name, value in sorted(variables.items())
        if name.startswith((*TAKEN_OUT, *usual)) and not name.startswith(_HARMLESS) and value != usual.get(name)
    }
    return loaded | others


def check_matplotlibrc(folder: Path) -> None:
    """Check the file that matplotlib reads first whatever the variables say; what it sets is undone, but read it must be.

    Args:
        folder: In which matplotlib is to start.

    Raises:
        InputError: If it could not start there.
    """
    path = Path(folder) / "matplotlibrc"
    try:
        if path.is_file():
            path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"matplotlibrc: found what cannot be read ({one_line(error)}), expected text or no such file: "
            "matplotlib starts with it in this folder"
        ) from None


def _replace_variables(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def _needs_user_site() -> bool:
    """Whether packages lie in the user's folder of packages and nowhere else: installed by ``pip install --user``."""
    folder = site.getusersitepackages()
    others = [path for path in sys.path if path != folder]
    return any(PathFinder.find_spec(name, [folder]) and not PathFinder.find_spec(name, others) for name in _SCIENCE)


def _last_names(paths: str) -> str:
    """A list of paths as the loader takes it, without the folders of this machine."""
    return ":".join(Path(path).name for path in paths.replace(" ", ":").split(":") if path)
