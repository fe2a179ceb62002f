# Where the code is, and where Snakemake works with it: the settings are read after this, relative to the latter.
import os
import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
LIBRARY = ROOT / "workflow" / "lib"
# The library of this checkout, whatever else is installed; the processes of the jobs are told by common.smk.
sys.path.insert(0, str(LIBRARY))

from sgdphysics.python_versions import stop_where_unsupported

stop_where_unsupported()

from sgdphysics.errors import InputError
from sgdphysics.study import start

try:
    start.check_snakefile(workflow.main_snakefile, ROOT)
    if workflow.is_main_process:
        start.check_arguments(sys.argv)
    start.prepare_folder(Path.cwd(), ROOT)
except InputError as error:
    sys.exit(str(error))
