"""`python -m dagreg` is `dagreg`."""

from dagreg.entry import main

main()
