#!/usr/bin/env bash
# Builds tests, and meanwhile downloads what they need only when they run.
#
#   tools/build_tests.sh PRESET TARGET MODE     e.g. release tests_unit check; MODE is one of tools/bootstrap.sh
#
# The preset is configured. The output of the downloads is in build/downloads.log; it is printed when the build is done.
# If the build fails, the downloads end with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1 target=$2 mode=$3 log=build/downloads.log

# A process group of its own, so that all of it can be ended.
set -m
tools/bootstrap.sh "$mode" >$log 2>&1 </dev/null &
downloads=$!
set +m
trap 'kill -- -$downloads 2>/dev/null || true' EXIT

echo "tests: building $target; downloads that tests need only when they run go on meanwhile, see $log"
cmake --build --preset "$preset" --target "$target"
if kill -0 $downloads 2>/dev/null; then
  echo "tests: waiting for a download: $(tail -n 1 $log)"
fi
status=0
wait $downloads || status=$?
trap - EXIT
cat $log
exit $status
