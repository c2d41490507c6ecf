"""Compares `deltadrop diff --summary` with its peers: whole processes, the same files in the page cache, runs in turn."""

from . import peers
from .processes import peak_anonymous_mb
from .results import at_least, at_most, growth, left_out, median, without_goal

ROUNDS = 3
# The number of the fastest peers that run on the largest files; the others are much slower.
FINALISTS = 2


def diff_lines(bench):
    ours = peers.deltadrop(bench.program)
    if ours.missing:
        return [left_out("diff", ours.missing)]
    candidates = peers.all_peers(with_pandas=bench.with_pandas)
    lines = [left_out(f"diff: {peer.name}", peer.missing) for peer in candidates if peer.missing]
    lines += [left_out(f"diff: {name}", reason) for name, reason in peers.NOT_RUN.items()]
    rivals = [peer for peer in candidates if not peer.missing]
    small, large = bench.rows, 5 * bench.rows
    for order, goal in (("in_order", 10), ("shuffled", 4)):
        found, ranked = _compare(bench, ours, rivals, small, order, goal)
        lines += found
        more, _ = _compare(bench, ours, ranked[:FINALISTS], large, order, goal)
        lines += more
        lines.append(_memory(bench, ours, large, order))
        lines.append(_growth(bench, ours, order))
    return lines


def _pair(bench, rows, order):
    return bench.data.file(rows), bench.data.file(rows, revision=1, order=order)


def _compare(bench, ours, rivals, rows, order, goal):
    """Returns (lines, the peers with the fastest first)."""
    old, new = _pair(bench, rows, order)
    times, counts = {peer.name: [] for peer in (ours, *rivals)}, {}
    for _ in range(ROUNDS):
        for peer in (ours, *rivals):
            seconds, counts[peer.name] = peer.run(old, new)
            times[peer.name].append(seconds)
            bench.figure(f"diff.{rows}.{order}.{peer.name.replace(' ', '_')}", seconds, "s")
    wrong = [name for name, found in counts.items() if found != counts[ours.name]]
    if wrong:
        raise RuntimeError(f"{old} and {new}: {', '.join(wrong)} and deltadrop do not agree: {counts}")
    typical = {name: median(seconds) for name, seconds in times.items()}
    ranked = sorted(rivals, key=lambda peer: typical[peer.name])
    work = f"diff, {rows:,} x 2, {order.replace('_', ' ')}"
    measured = f"{typical[ours.name]:.3f} s"
    bench.plots[work] = typical
    if not ranked:
        return [without_goal(work, measured, "no peer to compare with")], ranked
    best = ranked[0]
    others = "; ".join(f"{peer.name} {typical[peer.name]:.2f} s" for peer in ranked)
    lines = [at_least(work, measured, f"{best.name} {typical[best.name]:.3f} s", typical[best.name] / typical[ours.name], goal,
                      note=f"{others}; all found {counts[ours.name]}")]
    if order == "in_order":
        size = old.stat().st_size + new.stat().st_size
        lines.append(at_least(work, measured, f"{size / 1e6:,.0f} MB", size / typical[ours.name] / 1e9, 4, "GB/s"))
    return lines, ranked


def _memory(bench, ours, rows, order):
    old, new = _pair(bench, rows, order)
    peak = max(peak_anonymous_mb([*ours.command, old, new]) for _ in range(ROUNDS))
    return at_most(f"diff, {rows:,} x 2, {order.replace('_', ' ')}: memory", f"{peak:.0f} MB", "RssAnon", peak, 400, "MB")


def _growth(bench, ours, order):
    typical = []
    for rows in (bench.rows // 2, 5 * bench.rows):
        old, new = _pair(bench, rows, order)
        typical.append(median([ours.run(old, new)[0] for _ in range(ROUNDS)]))
    return growth(f"diff, {order.replace('_', ' ')}", *typical)
