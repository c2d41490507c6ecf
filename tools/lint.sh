#!/usr/bin/env bash
# Formatting, the rules of the house, and clang-tidy on the sources that differ from BASE (all of them without a BASE).
#
#   tools/lint.sh [BASE]     e.g. tools/lint.sh main~5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 --dry-run --Werror
tools/tidy.py

[ -e build/release/compile_commands.json ] || cmake --preset release >/dev/null
if [ $# -gt 0 ]; then
  mapfile -t sources < <(git diff --name-only --diff-filter=d "$1" -- 'src/*.cpp')
else
  mapfile -t sources < <(git ls-files 'src/*.cpp')
fi
echo "clang-tidy: ${#sources[@]} sources"
# The flags of g++ that clang does not know are not its business; nor is what its library marks as deprecated inside itself.
printf '%s\n' "${sources[@]}" | xargs --no-run-if-empty -P "$(nproc)" -n 1 \
  clang-tidy-19 --quiet -p build/release --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-deprecated-declarations
