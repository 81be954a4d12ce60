"""Write the reference pages again: `python -m thresher.jobs.docs`."""

from thresher.jobs.docs.pages import main

main()
