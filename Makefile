# The commands of the README. Each first installs missing packages (tools/bootstrap.sh).
.PHONY: help build demo up check test asan tsan mutate lint format bench clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## build the Release program, build/release/deltadrop
	@tools/bootstrap.sh build
	@mkdir -p build
	@cmake --preset release -DDELTADROP_TESTS=OFF -DDELTADROP_BENCH=OFF >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@echo "build: compiling; the first build takes some minutes"
	@cmake --build --preset release --target deltadrop

demo: build ## run the whole pipeline on a sample company, in a temporary folder
	@tools/demo.sh build/release/deltadrop

up: build ## run Kafka, PostgreSQL, serve and consume on this machine until Ctrl-C
	@tools/bootstrap.sh servers
	@tools/up.py build/release/deltadrop

check: ## check formatting and the house rules, and run the quick tests that need no servers
	@tools/bootstrap.sh --to-build check lint
	tools/lint.sh --quick
	cmake --preset release -DDELTADROP_TESTS=ON -DDELTADROP_BENCH=OFF
	@tools/build_tests.sh release tests_check check
	ctest --test-dir build/release --output-on-failure -j 2 -L '^check$$'

# Tests of these labels start no server, so they need no Kafka, PostgreSQL or Spark.
SERVERLESS = check unit golden property fuzz
TEST_MODE = $(if $(filter $(SERVERLESS),$(ONLY)),check,test)

test: ## run every test, with real servers; ONLY=label for some: unit contract golden property fault fuzz e2e servers slow
	@tools/bootstrap.sh --to-build $(TEST_MODE)
	cmake --preset release -DDELTADROP_TESTS=ON -DDELTADROP_BENCH=OFF
	@tools/build_tests.sh release $(if $(ONLY),'tests_$(ONLY)',all) $(TEST_MODE)
	ctest --test-dir build/release --output-on-failure -j 3 $(if $(ONLY),-L '^$(ONLY)$$' --no-tests=error)

asan: ## run the in-process tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/bootstrap.sh --to-build test
	cmake --preset asan -DDELTADROP_BENCH=OFF
	@tools/build_tests.sh asan all test
	ctest --test-dir build/asan --output-on-failure -j 2

tsan: ## run the in-process tests under ThreadSanitizer
	@tools/bootstrap.sh --to-build test
	cmake --preset tsan -DDELTADROP_BENCH=OFF
	@tools/build_tests.sh tsan all test
	ctest --test-dir build/tsan --output-on-failure -j 2

mutate: ## check that a test fails for each broken promise (tools/mutants); takes long; ONLY=regex for some of them
	@tools/bootstrap.sh test
	tools/mutate.py $(if $(ONLY),'$(ONLY)')

lint: ## check formatting, names, bug patterns and the house rules
	@tools/bootstrap.sh lint
	tools/lint.sh

format: ## format all sources
	@tools/bootstrap.sh lint
	git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 -i

bench: ## compare the speed of each part with its peers, in one table; ROWS= and ONLY= select a part
	@tools/bootstrap.sh bench
	cmake --preset release -DDELTADROP_TESTS=OFF -DDELTADROP_BENCH=ON
	cmake --build --preset release
	build/bench/venv/bin/python bench/run.py --docs $(if $(ROWS),--rows $(ROWS)) $(if $(ONLY),--only $(ONLY))

clean: ## remove the build folder, but not the downloads in .deps
	rm -rf build
