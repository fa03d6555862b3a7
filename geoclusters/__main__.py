"""Lets ``python -m geoclusters`` be the command."""

from geoclusters.cli import main

main()
