"""`python -m thresher.jobs.cli`: the same as `thresher`."""

from thresher.jobs.cli import main

main()
