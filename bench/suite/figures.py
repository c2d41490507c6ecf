"""What measuring programs print: one figure a line, `name value unit`."""

import re

FIGURE = re.compile(r"^([A-Za-z][\w.-]*)\s+([-+0-9.eE]+)\s+(\S+)$")


def parse_figures(text):
    """{name: (value, unit)}; other lines are for people."""
    found = {}
    for line in text.splitlines():
        match = FIGURE.match(line.strip())
        if match:
            found[match.group(1)] = (float(match.group(2)), match.group(3))
    return found
