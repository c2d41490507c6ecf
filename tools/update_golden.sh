#!/bin/sh
# Updates the expected output of the golden tests. Review the difference before you commit it.
#   tools/update_golden.sh [BUILD_FOLDER]
set -eu
cd "$(dirname "$0")/.."
for program in "${1:-build/release}"/tests/golden/*/golden_*; do
  if [ -f "$program" ] && [ -x "$program" ]; then UPDATE_GOLDEN=1 "$program" --gtest_brief=1; fi
done
git status --short tests/golden
