#!/usr/bin/env bash
# Checks the formatting and the house rules, and runs clang-tidy.
#
#   tools/lint.sh                        clang-tidy on all sources
#   tools/lint.sh --quick                without clang-tidy
#   tools/lint.sh --since BASE [--max N] clang-tidy on the sources that differ from BASE, e.g. main~5, or whose header
#                                        differs; with --max, only on the first N by name
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
quick=false base='' sources_max=0
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=true ;;
    --since) base=${2:?--since needs a commit} && shift ;;
    --max) sources_max=${2:?--max needs a number} && shift ;;
    *) usage ;;
  esac
  shift
done

# The tracked files, or all files if there is no git.
{ git ls-files -- '*.cpp' '*.hpp' 2>/dev/null || find src tests bench -name '*.[ch]pp'; } | xargs clang-format-19 --dry-run --Werror
echo "clang-format: all files are formatted"
tools/tidy.py
if $quick; then
  exit
fi

if [ -n "$base" ]; then
  mapfile -t sources < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp' 'src/*.hpp' | sed 's/\.hpp$/.cpp/' |
    LC_ALL=C sort -u | while read -r name; do if [ -e "$name" ]; then echo "$name"; fi; done)
else
  mapfile -t sources < <({ git ls-files -- 'src/*.cpp' 2>/dev/null || find src -name '*.cpp'; } | LC_ALL=C sort)
fi
left=()
if [ "$sources_max" -gt 0 ] && [ ${#sources[@]} -gt "$sources_max" ]; then
  left=("${sources[@]:sources_max}")
  sources=("${sources[@]:0:sources_max}")
fi
echo "clang-tidy: ${#sources[@]} sources${base:+ that differ from $base}, half a minute each"
if [ ${#left[@]} -gt 0 ]; then
  echo "clang-tidy: these are over the limit of $sources_max; check them with \`make lint\`: ${left[*]}"
fi
if [ ${#sources[@]} -eq 0 ]; then
  exit
fi
[ -e build/release/compile_commands.json ] || cmake --preset release -DDELTADROP_BENCH=OFF >/dev/null
# clang must ignore g++'s precompiled headers and the flags that it does not know. Deprecations inside a library are not findings.
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 \
  clang-tidy-19 --quiet -p build/release --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch \
  --extra-arg=-Wno-deprecated-declarations
