"""`python -m bashgym`."""

import sys

from bashgym.cli import main

sys.exit(main())
