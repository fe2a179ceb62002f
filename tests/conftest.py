"""One thread for every test: results then do not depend on the machine, and tests beside each other do not fight for cores."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
