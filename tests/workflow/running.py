"""Running Snakemake on copies of this checkout."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def snakemake(*arguments, folder, timeout=1800, environment=None):
    """Run Snakemake in a folder, with these variables or those of this process; returns it when it has ended, with its output."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    run = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "capture_output": True, "encoding": "utf-8"}
    return subprocess.run(command, **run, timeout=timeout, check=False)


def finished_jobs(printed):
    """The rule of each job that has finished, by the lines of what Snakemake printed."""
    return re.findall(r"^\d\d:\d\d:\d\d +\d+ of \d+  (\w+)", printed, re.MULTILINE)


def copy_of_checkout(folder, *, published=False):
    """Copy what a clone would hold, as it stands in the working tree, with or without the results that were published with it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and (published or not name.startswith(("results/", "figures/"))):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder
