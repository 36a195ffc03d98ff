"""`python -m dagreg` is `dagreg`."""

from dagreg.cli import main

main()
