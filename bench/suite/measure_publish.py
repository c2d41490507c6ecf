"""Compares publishing to a real Kafka with librdkafka alone and the same bytes."""

from .measure_programs import run_program
from .results import at_least, growth

ROUNDS = 3


def publish_lines(bench):
    times, lines = {}, []
    for rows in (bench.rows // 10, bench.rows):
        figures = run_program(bench, "publish/bench_publish", bench.servers.kafka.address, f"publish-{rows}",
                              bench.data.file(rows), ROUNDS)
        times[rows] = figures["publish.time"][0]
        bare, codec = min((figures[f"publish.bare_{codec}"][0], codec) for codec in ("lz4", "none"))
        lines.append(at_least(f"publish to Kafka, {rows:,} inserts", f"{rows / times[rows]:,.0f} events/s",
                              f"librdkafka alone, {codec}, {rows / bare:,.0f} events/s", bare / times[rows], 0.7,
                              note=f"{figures['publish.bytes'][0] / rows:.0f} bytes per event; acks=all and idempotence; ours "
                                   "compresses with lz4, and also splits rows and writes JSON"))
    return [*lines, growth("publish", times[bench.rows // 10], times[bench.rows])]
