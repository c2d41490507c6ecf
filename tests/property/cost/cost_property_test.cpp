#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iterator>
#include <ostream>
#include <string>

#include "cost.hpp"

// Compares the times for inputs of size n and 4n. A loop of n log n steps takes a little more than four times
// as long, a loop of n * n steps sixteen times. The limit, 4 to the power of 1.4, is between them.
namespace deltadrop::cost {
namespace {

constexpr double kExponentMax = 1.4;
constexpr double kSecondsWorthMeasuring = 0.01;
constexpr int kRuns = 2;
constexpr int kAttempts = 4;

/// The CPU time of the whole process: it includes all threads of this process, but no other programs.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double seconds_of(const std::function<void()>& work, int runs) {
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    const double before = cpu_seconds();
    work();
    const double took = cpu_seconds() - before;
    best = run == 0 ? took : std::min(best, took);
  }
  return best;
}

/// The smallest power of two that takes long enough to measure, so that the fixed cost of a call matters
/// little.
std::size_t size_worth_measuring(const Family& family) {
  std::size_t size = 64;
  while (size * 64 <= family.size_max && seconds_of(family.prepare(size), 1) < kSecondsWorthMeasuring)
    size *= 2;
  return size;
}

class Cost : public ::testing::TestWithParam<Family> {};

TEST_P(Cost, GrowsNoFasterThanTheInput) {
  const Family& family = GetParam();
  std::size_t size = size_worth_measuring(family);
  const double ratio_max = std::pow(family.factor, kExponentMax);
  std::string measured;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // If only the smaller input fits in a cache, the larger one is slow for that reason. Still larger inputs
    // show whether that was the cause.
    if (attempt >= kAttempts / 2 && 4 * size * family.factor <= family.size_max) size *= 4;
    const std::size_t large = family.factor * size;
    const double once = seconds_of(family.prepare(size), kRuns);
    const double larger = seconds_of(family.prepare(large), kRuns);
    const double ratio = larger / std::max(once, kSecondsWorthMeasuring / 2);
    if (ratio <= ratio_max) return;
    measured += fmt::format("size {} takes {:.1f} times as long as size {}\n", large, ratio, size);
  }
  ADD_FAILURE() << measured;
}

std::vector<Family> all_families() {
  std::vector<Family> all;
  for (auto* families : {csv_families, diff_families, event_families, http_families, ingest_families,
                         lake_families, workbook_families}) {
    auto some = families();
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Cost, ::testing::ValuesIn(all_families()),
                         [](const auto& family) { return family.param.name; });

}  // namespace

void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

}  // namespace deltadrop::cost
