#!/usr/bin/env python3
"""Draws docs/images/pipeline-light.svg and pipeline-dark.svg from docs/images/pipeline.toml.

    tools/picture.py            writes both
    tools/picture.py --check    exits with 1 if one of them differs from its source
"""

import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parent.parent / "docs/images"
BOX_HEIGHT = 56
COLORS = {
    "light": {"background": "#ffffff", "box": "#f2f6f4", "line": "#1a7f5a", "title": "#1f2328", "text": "#59636e"},
    "dark": {"background": "#0d1117", "box": "#14261f", "line": "#3fb68b", "title": "#f0f6fc", "text": "#9198a1"},
}


def arrow(boxes, start, end):
    """The points of a line from box to box: horizontal in the same row, vertical in the same column, otherwise with a bend."""
    x, y, width = boxes[start][:3]
    to_x, to_y, to_width = boxes[end][:3]
    if y == to_y:
        return [(x + width, y + BOX_HEIGHT / 2), (to_x - 3, to_y + BOX_HEIGHT / 2)]
    if x == to_x:
        return [(x + width / 2, y + BOX_HEIGHT), (to_x + to_width / 2, to_y - 3)]
    return [(x + width / 2, y + BOX_HEIGHT), (x + width / 2, to_y + BOX_HEIGHT / 2), (to_x - 3, to_y + BOX_HEIGHT / 2)]


def drawing(source, theme):
    color = COLORS[theme]
    width, height, boxes = source["width"], source["height"], source["boxes"]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="{color["background"]}"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{color["line"]}"/></marker></defs>',
    ]
    for each in source["arrows"]:
        points = arrow(boxes, each["from"], each["to"])
        path = " L".join(f"{x:g},{y:g}" for x, y in points)
        lines.append(f'<path d="M{path}" fill="none" stroke="{color["line"]}" stroke-width="1.5" marker-end="url(#tip)"/>')
        if "label" in each:
            middle = (points[0][0] + points[-1][0]) / 2
            lines.append(f'<text x="{middle:g}" y="{points[0][1] - 8:g}" font-size="11" fill="{color["text"]}">{escape(each["label"])}</text>')
    for x, y, box_width, title, text in boxes.values():
        middle = x + box_width / 2
        lines += [
            f'<rect x="{x}" y="{y}" width="{box_width}" height="{BOX_HEIGHT}" rx="6" fill="{color["box"]}" stroke="{color["line"]}"/>',
            f'<text x="{middle:g}" y="{y + 24}" font-size="14" font-weight="bold" fill="{color["title"]}">{escape(title)}</text>',
            f'<text x="{middle:g}" y="{y + 43}" font-size="12" fill="{color["text"]}">{escape(text)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def main():
    source = tomllib.loads((FOLDER / "pipeline.toml").read_text())
    differing = 0
    for theme in COLORS:
        file = FOLDER / f"pipeline-{theme}.svg"
        drawn = drawing(source, theme)
        if "--check" not in sys.argv[1:]:
            file.write_text(drawn)
        elif not file.exists() or file.read_text() != drawn:
            print(f"{file.name} differs from pipeline.toml: run tools/picture.py")
            differing = 1
    return differing


if __name__ == "__main__":
    sys.exit(main())
