"""What `make bench` measures, and how. run.py beside this folder is the command."""
