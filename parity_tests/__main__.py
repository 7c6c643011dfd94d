"""`python -m parity_tests`, on one thread unless the environment says otherwise."""

import os
import sys

if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read when NumPy and torch are imported

    from parity_tests.cli import main

    sys.exit(main())
