# Where the code is, and where Snakemake works with it: the settings are read after this, relative to the latter.
import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
LIBRARY = ROOT / "workflow" / "lib"
# The library of this checkout, whatever else is installed; the processes of the jobs are told by common.smk.
sys.path.insert(0, str(LIBRARY))
# Python would take bytecode of the first file of it for that of any source of equal size and time; it looks for none of the others.
for source in LIBRARY.glob("*/*.py"):
    for level in ("", "1", "2"):  # jobs need not run at the level of this process
        with suppress(OSError):
            Path(cache_from_source(str(source), optimization=level)).unlink()

from sgdphysics.python_versions import stop_where_unsupported

stop_where_unsupported()

from sgdphysics.errors import InputError
from sgdphysics.study import start

try:
    start.check_snakefile(workflow.main_snakefile, ROOT)
    if workflow.is_main_process:
        start.check_arguments(sys.argv)
        start.check_library(LIBRARY)
    start.prepare_folder(Path.cwd(), ROOT)
except InputError as error:
    sys.exit(str(error))
