"""Parses the output of measuring programs: one figure per line, `name value unit`."""

import re

FIGURE = re.compile(r"^([A-Za-z][\w.-]*)\s+([-+0-9.eE]+)\s+(\S+)$")


def parse_figures(text):
    """Returns {name: (value, unit)}. Ignores other lines."""
    found = {}
    for line in text.splitlines():
        match = FIGURE.match(line.strip())
        if match:
            found[match.group(1)] = (float(match.group(2)), match.group(3))
    return found
