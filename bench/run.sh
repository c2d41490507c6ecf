#!/usr/bin/env bash
# All benchmarks of a build, each with a fixed seed. These are figures of this machine now: compare within one run.
#
#   bench/run.sh BUILD [ROWS]     e.g. bench/run.sh build/release 100000
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1
rows=${2:-1000000}

echo "== $(nproc) cores, $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(git describe --always --dirty)"
for program in diff history lake; do
  echo "== $program"
  "$build/bench/$program/bench_$program" "$([ $program = history ] && echo $((rows / 10)) || echo "$rows")"
done
echo "== pipeline"
python3 bench/pipeline.py "$build/deltadrop" "$rows"
