#!/usr/bin/env bash
# Prints the commit of main that the sources of this checkout are compared with, or nothing if the history has no such commit.
# Writes the choice and its reason to standard error. docs/decisions/0034-lint-what-changed.md explains the rules.
set -euo pipefail
head=$(git rev-parse --quiet --verify HEAD 2>/dev/null) || {
  echo "lint: no git history, so all sources count as changed" >&2
  exit
}
for main in origin/main main; do
  base=$(git merge-base HEAD "$main" 2>/dev/null) || continue
  if [ "$base" != "$head" ]; then
    echo "lint: changes since ${base:0:12}, where this branch left $main" >&2
    echo "$base"
    exit
  fi
done
# HEAD is on main: its first parent is the state of main before a merge or a squashed commit landed.
if base=$(git rev-parse --quiet --verify HEAD^1 2>/dev/null); then
  echo "lint: changes since ${base:0:12}, the first parent of HEAD" >&2
  echo "$base"
else
  echo "lint: the history ends at HEAD, so all sources count as changed" >&2
fi
