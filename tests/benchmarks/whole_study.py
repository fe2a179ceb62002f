"""The wall time of a whole study beside the work of its jobs: what the workflow itself costs."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOAL = 1.4  # wall time over the jobs' own work divided by the cores


def measure(study: str, cores: int) -> str:
    """Run a study from nothing in a clone, and say in one line what it took.

    The work of a job is the time in its record: without the start of Python and the loading of packages, which count as the
    workflow's.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet"]
        more = [] if study == "mnist5k" else ["--configfile", f"config/{study}.yaml"]
        start = time.monotonic()
        subprocess.run([*command, *more], cwd=folder, check=True, stdout=sys.stderr)
        wall = time.monotonic() - start
        records = [json.loads(path.read_text()) for path in Path(folder).rglob("*.job.json")]
    work = sum(record["seconds"] for record in records)
    overhead = wall / (work / cores)
    verdict = f"goal at most {GOAL}: {'reached' if overhead <= GOAL else 'missed'}" if study == "mnist5k" else "no goal"
    took = f"{len(records)} jobs, {wall:.0f} s on {cores} cores; work of the jobs {work:.0f} s"
    return f"study {study}: {took}; wall time over work per core {overhead:.2f}, {verdict}"
