"""An environment of a user in which everything is set that could reach a result or stop a job, all at once."""

import os

LOOK = "axes.facecolor: yellow\naxes.grid: True\nxtick.direction: in\nsavefig.dpi: 77\ntext.usetex: True\nfont.family: serif\n"
# Ends whatever runs it; in a module it stands for one of the user's that has the name of one that is needed.
ENDS = "raise SystemExit('a file of the user ran')\n"
# Modules that jobs import and Snakemake, which starts before anything can be set, does not.
SHADOWS = ("matplotlib", "seaborn", "torch", "sgdphysics")


def plant(home, working_folder):
    """Write the files of such a user; returns the variables, those of this process apart."""
    settings, startup = home / ".config" / "matplotlib", home / ".ipython" / "profile_default" / "startup"
    modules = home / "modules"
    for folder in (settings, startup, modules):
        folder.mkdir(parents=True)
    (working_folder / "matplotlibrc").write_text(LOOK, encoding="utf-8")
    (settings / "matplotlibrc").write_bytes(LOOK.encode() + b"\xff")  # which matplotlib cannot read
    shadows = [folder / f"{name}.py" for folder in (working_folder, modules) for name in SHADOWS]
    for path in [startup / "00.py", home / "startup.py", *shadows]:
        path.write_text(ENDS, encoding="utf-8")
    (home / "bash.sh").write_text("export MPLBACKEND=nonsense ATEN_CPU_CAPABILITY=default\n", encoding="utf-8")
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "TMPDIR": "/proc/nowhere",
        # Figures.
        "MATPLOTLIBRC": str(settings),
        "MPLCONFIGDIR": str(settings),
        "MPLBACKEND": "nonsense",
        # Text.
        "LC_ALL": "C",
        "LANG": "de_DE.ISO-8859-1",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "latin-1",
        # Python.
        "PYTHONPATH": str(modules),
        "PYTHONSTARTUP": str(home / "startup.py"),
        "PYTHONOPTIMIZE": "2",
        "PYTHONHASHSEED": "7",
        "PYTHONINSPECT": "1",
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_PATH": "/proc/nowhere",
        "TQDM_MININTERVAL": "nonsense",
        # Numbers: each changed bytes of a training, a decomposition or an exponential on some processor.
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-AVX2,-FMA",
        # The rest.
        "BASH_ENV": str(home / "bash.sh"),
        "GIT_DIR": "/proc/nowhere",
        "SOURCE_DATE_EPOCH": "5",
        "TZ": "Asia/Tokyo",
        "COLUMNS": "10",
        "FORCE_COLOR": "1",
    }


def clean():
    """Variables of this process that a machine needs to find its programs."""
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
