"""Draws the table as SVG, without a library because it has only bars."""

from xml.sax.saxutils import escape

WIDTH, LEFT, BAR, GAP = 860, 330, 16, 6
RIGHT = WIDTH - 110
OURS, THEIRS, SHORT = "#1a7f5a", "#9aa5b1", "#c2571a"


def text(x, y, content, anchor="start", weight="normal"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(content)}</text>'


def bar(y, label, value, largest, shown, colour):
    length = max(1.0, (RIGHT - LEFT) * value / largest)
    return [text(LEFT - 8, y + BAR - 4, label, "end"),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
            text(LEFT + length + 6, y + BAR - 4, shown)]


def as_svg(lines, plots):
    """`plots` is {title: {program: seconds}}. Each of `lines` that has a goal is drawn as a share of the goal."""
    parts, y = [], 30
    for title, times in plots.items():
        parts.append(text(16, y, f"{title}: seconds, less is better", weight="bold"))
        y += 10
        for name, seconds in sorted(times.items(), key=lambda item: item[1]):
            parts += bar(y, name, seconds, max(times.values()), f"{seconds:.3g} s", OURS if name == "deltadrop" else THEIRS)
            y += BAR + GAP
        y += 30
    parts.append(text(16, y, "Share of each goal reached (bars end at twice the goal)", weight="bold"))
    y += 10
    top = y
    for line in lines:
        if line.share is None:
            continue
        parts += bar(y, line.work, min(line.share, 2), 2, f"{line.reached} ({line.goal})", OURS if line.met else SHORT)
        y += BAR + GAP
    goal_x = (LEFT + RIGHT) / 2
    parts.append(f'<line x1="{goal_x}" y1="{top}" x2="{goal_x}" y2="{y}" stroke="#333" stroke-dasharray="3 3"/>')
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 120}" height="{y + 20}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')
