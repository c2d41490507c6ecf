"""Measurements by our own benchmark programs, which compare a part with its peer in one process and print figures."""

from .figures import parse_figures
from .processes import timed
from .results import left_out, without_goal


def run_program(bench, path, *arguments):
    """The program's figures, or None if the build does not contain the program."""
    program = bench.build / "bench" / path
    if not program.exists():
        return None
    figures = parse_figures(timed([program, *arguments])[1])
    for name, (value, unit) in figures.items():
        bench.figure(name, value, unit)
    return figures


def lake_lines(bench):
    figures = run_program(bench, "lake/bench_lake", bench.rows)
    if figures is None:
        return [left_out("lake", "bench_lake is not built")]
    return [without_goal(f"lake, {bench.rows:,} inserts to Parquet", f"{figures['lake.write'][0]:.2f} s",
                         "; ".join(f"{name} {value:g} {unit}" for name, (value, unit) in figures.items()))]
