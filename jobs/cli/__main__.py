"""`python -m jobs.cli`: the same as `thresher`."""

from jobs.cli import main

main()
