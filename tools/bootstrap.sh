#!/usr/bin/env bash
# Installs what this machine lacks to build or test Deltadrop, on Debian 12: as root, or through sudo where it is there.
#
#   tools/bootstrap.sh build    what the program needs to be built and shown (the default)
#   tools/bootstrap.sh test     and what its tests need
#   tools/bootstrap.sh lint     and what the linter needs
#
# Modes may be combined. Where nothing is missing it only says so, in well under a second. docs/dependencies.md says
# why each one is needed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config mold libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
  libsqlite3-dev libxxhash-dev zlib1g-dev libzstd-dev libssl-dev libpq-dev libfmt-dev libspdlog-dev libcli11-dev libsimdjson-dev
  unzip curl jq python3 python3-pip)
TEST_PACKAGES=(libgtest-dev libgmock-dev python3-venv strace sqlite3 zstd postgresql-15)
LINT_PACKAGES=(libgtest-dev libgmock-dev clang-format-19 clang-tidy-19)

PYARROW_VERSION=26.0.1
PYARROW_SHA256=39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c

# Debian's own interpreter: the pinned wheels are for its version, whatever else is first in PATH.
PYTHON=/usr/bin/python3

say() { echo "bootstrap: $*"; }
fail() {
  echo "bootstrap: $1" >&2
  echo "bootstrap: fix: $2" >&2
  exit 1
}

apt_get() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing and this is neither root nor a machine with sudo" \
      "run as root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian: install by your own means what is missing of: $*"
    return
  fi
  local installed name
  # dpkg-query fails where it does not know one of them; those that it knows are printed all the same.
  installed=" $({ dpkg-query -W -f '${db:Status-Status}=${Package}\n' "$@" 2>/dev/null || true; } |
    sed -n 's/^installed=//p' | tr '\n' ' ')"
  missing=()
  for name in "$@"; do
    [[ "$installed" == *" $name "* ]] || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages: all $# are there"
    return
  fi
  say "Debian packages: installing ${missing[*]}"
  if ! apt-cache show --no-all-versions "${missing[@]}" >/dev/null 2>&1; then
    apt_get update || fail "the package lists could not be read" "check the network and /etc/apt, then try again"
  fi
  # Lists that are there may still be too old for what the archive has now.
  apt_get install --yes --no-install-recommends "${missing[@]}" >/dev/null ||
    { apt_get update && apt_get install --yes --no-install-recommends "${missing[@]}" >/dev/null; } ||
    fail "apt-get could not install ${missing[*]}" "read its message above; on Debian 12 all of them exist"
}

# Arrow C++ comes from the system where CMake finds it, else from the pyarrow wheel, which ships headers and libraries.
install_arrow() {
  local target=.deps/pyarrow-$PYARROW_VERSION
  if pkg-config --exists arrow parquet 2>/dev/null; then
    say "Arrow C++: the system's, $(pkg-config --modversion arrow)"
    return
  fi
  if [ -e "$target/pyarrow/include/arrow/api.h" ]; then
    say "Arrow C++: $target is there"
    return
  fi
  [ "$(uname -m)" = x86_64 ] ||
    fail "no Arrow C++, and its pinned wheel is for x86_64, not $(uname -m)" \
      "install Arrow C++ and Parquet C++ 12 or later"
  say "Arrow C++: downloading pyarrow $PYARROW_VERSION"
  mkdir -p .deps
  local work
  work=$(mktemp -d .deps/tmp.XXXXXX)
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf '$work'" EXIT
  "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --implementation cp --platform manylinux_2_28_x86_64 --dest "$work" "pyarrow==$PYARROW_VERSION" ||
    fail "pyarrow $PYARROW_VERSION could not be downloaded" "check the network and pip's settings, then try again"
  local wheel
  wheel=$(echo "$work"/pyarrow-*.whl)
  echo "$PYARROW_SHA256  $wheel" | sha256sum --check --status ||
    fail "$(basename "$wheel") has SHA-256 $(sha256sum "$wheel" | cut -d' ' -f1), not $PYARROW_SHA256" \
      "nothing was unpacked; find out where pip got this file from"
  "$PYTHON" -m zipfile -e "$wheel" "$work/unpacked"
  # Two runs at once: the first one's folder stays.
  mv -T "$work/unpacked" "$target" 2>/dev/null || [ -e "$target/pyarrow/include/arrow/api.h" ] ||
    fail "cannot move the unpacked wheel to $target" "remove $target and try again"
  rm -rf "$work"
  trap - EXIT
}

# A virtual environment cannot be moved, so its stamp is written last: without it the environment is made again.
install_python_environment() {
  local venv=build/venv wanted
  wanted=$(sha256sum tests/requirements.txt | cut -d' ' -f1)
  if [ "$(cat $venv/requirements.sha256 2>/dev/null)" = "$wanted" ]; then
    say "Python environment: $venv is there"
    return
  fi
  say "Python environment: making $venv"
  rm -rf "$venv"
  "$PYTHON" -m venv "$venv" || fail "$venv could not be made" "install python3-venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    -r tests/requirements.txt ||
    fail "the packages of tests/requirements.txt could not be installed" \
      "check the network and pip's settings, then try again"
  echo "$wanted" >"$venv/requirements.sha256"
}

modes=("${@:-build}")
packages=("${BUILD_PACKAGES[@]}")
for mode in "${modes[@]}"; do
  case $mode in
    build) ;;
    test) packages+=("${TEST_PACKAGES[@]}") ;;
    lint) packages+=("${LINT_PACKAGES[@]}") ;;
    *) fail "unknown mode '$mode'" "use build, test or lint" ;;
  esac
done
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
install_packages "${packages[@]}"
install_arrow
if [[ " ${modes[*]} " == *" test "* ]]; then install_python_environment; fi
