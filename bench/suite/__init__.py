"""The measurements of `make bench`. The command is ../run.py."""
