"""Lines of the table: the measurement, what it is compared with, and whether it reaches the goal."""

import statistics
from dataclasses import dataclass


def median(values):
    return statistics.median(values)


def percentile(values, share):
    """The smallest value that is not exceeded by `share` of all values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Line:
    """One line of the table. `reached` is the figure that is compared with `goal`. `met` is None if there is no goal, or no
    figure; `note` then gives the reason."""

    work: str
    measured: str
    against: str = ""
    reached: str = ""
    goal: str = ""
    met: bool | None = None
    note: str = ""
    # The figure divided by the goal, for the plot. The goal is met from 1 on.
    share: float | None = None

    @property
    def verdict(self):
        return {True: "met", False: "NOT MET", None: "-"}[self.met]


def at_least(work, measured, against, value, goal, unit="x", note=""):
    return Line(work, measured, against, f"{value:,.2f} {unit}", f">= {goal:,g} {unit}", value >= goal, note, value / goal)


def at_most(work, measured, against, value, goal, unit="x", note=""):
    # A figure of 0 is within any limit.
    share = goal / value if value > 0 else None
    return Line(work, measured, against, f"{value:,.2f} {unit}", f"<= {goal:,g} {unit}", value <= goal, note, share)


def without_goal(work, measured, note=""):
    return Line(work, measured, note=note)


def left_out(work, reason):
    return Line(work, "not measured", note=reason)


def growth(work, small_s, large_s, times=10, goal=11):
    """The goal: ten times the rows take at most eleven times as long."""
    return at_most(f"growth: {work}", f"{large_s:.3g} s", f"{small_s:.3g} s for a {times}th", large_s / small_s, goal)


COLUMNS = ("work", "measured", "against", "reached", "goal", "")


def cells(lines):
    return [(line.work, line.measured, line.against, line.reached, line.goal, line.verdict) for line in lines]


def notes(lines):
    return [f"{line.work}: {line.note}" for line in lines if line.note]


def as_text(lines):
    rows = [COLUMNS, *cells(lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text + [""] + notes(lines)) + "\n"


def as_markdown(lines):
    rows = [COLUMNS[:-1] + ("result",), ("---",) * len(COLUMNS), *cells(lines)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return table + "\n\n" + "\n".join(f"- {note}" for note in notes(lines)) + "\n"
