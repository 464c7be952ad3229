"""`python -m seedbed`."""

from seedbed.cli.main import main

main()
