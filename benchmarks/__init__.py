"""Speed and memory: each a script that prints a table and takes `--json FILE`."""
