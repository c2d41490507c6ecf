#!/usr/bin/env bash
# Builds tests. Meanwhile, downloads the things that the tests need only when they run.
#
#   tools/build_tests.sh PRESET TARGET MODE     e.g. release tests_unit check; MODE is one of tools/bootstrap.sh
#
# The preset must be configured. The output of the downloads goes to build/downloads.log and is printed after the build.
# If the build fails, the downloads are stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1 target=$2 mode=$3 log=build/downloads.log

# Give the downloads their own process group, so that the trap can end all of them.
set -m
tools/bootstrap.sh "$mode" >$log 2>&1 </dev/null &
downloads=$!
set +m
trap 'kill -- -$downloads 2>/dev/null || true' EXIT

echo "tests: building $target; downloads for running the tests continue meanwhile, see $log"
cmake --build --preset "$preset" --target "$target"
if kill -0 $downloads 2>/dev/null; then
  echo "tests: waiting for a download: $(tail -n 1 $log)"
fi
status=0
wait $downloads || status=$?
trap - EXIT
cat $log
exit $status
