#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "cost.hpp"
#include "diff/diff.hpp"

namespace deltadrop::cost {
namespace {

/// Makes the text of a file of a given size.
using Text = std::function<std::string(std::size_t)>;

std::string rows(std::size_t count, const std::function<std::string(std::size_t)>& row) {
  std::string text = "id,value\n";
  for (std::size_t i = 0; i < count; ++i) text += row(i);
  return text;
}

std::string unique_rows(std::size_t count) {
  return rows(count, [](std::size_t i) { return fmt::format("k{},{}\n", i, i); });
}

csv::ReadOptions by_id() {
  csv::ReadOptions options;
  options.key = {"id"};
  return options;
}

/// Compares two files as `deltadrop diff` does: both are checked, and every change becomes an event.
Family two_versions(std::string name, const Text& before, const Text& after) {
  const auto prepare = [before, after](std::size_t size) -> std::function<void()> {
    struct Files {
      std::string before;
      std::string after;
    };
    auto files = std::make_shared<const Files>(Files{before(size), after(size)});
    return [files] {
      csv::Limits limits;
      limits.columns_max = std::size_t{1} << 24;
      const auto old_file = csv::File::over(files->before, {}, limits);
      const auto new_file = csv::File::over(files->after, {}, limits);
      ASSERT_TRUE(old_file.has_value() && new_file.has_value());
      const auto outcome = diff::diff(&old_file.value(), new_file.value());
      if (!outcome.has_value() || !outcome.value().findings.empty()) return;
      const auto done = diff::for_each_event(&old_file.value(), new_file.value(), outcome.value().changes,
                                             Seq(1), [](const EventView&) -> Result<bool> { return true; });
      EXPECT_TRUE(done.has_value());
    };
  };
  return {std::move(name), prepare};
}

Family first_version(std::string name, const Text& text, const csv::ReadOptions& options = {}) {
  const auto prepare = [text, options](std::size_t size) -> std::function<void()> {
    auto bytes = std::make_shared<const std::string>(text(size));
    return [bytes, options] {
      const auto file = csv::File::over(*bytes, options, {});
      ASSERT_TRUE(file.has_value());
      EXPECT_TRUE(diff::diff(nullptr, file.value()).has_value());
    };
  };
  return {std::move(name), prepare};
}

std::string one_key(std::size_t count) {
  return rows(count, [](std::size_t i) { return fmt::format("same,{}\n", i); });
}

std::string backwards(std::size_t count) {
  return rows(count, [count](std::size_t i) { return fmt::format("k{},{}\n", count - i, count - i); });
}

/// A row as long as all others together. Its key is at its end, and the others repeat it.
std::string long_row_repeated(std::size_t count) {
  // The value is at most as long as an event allows.
  std::string text = "value,id\n" + std::string(std::min<std::size_t>(count, 400'000), 'x') + ",same\n";
  for (std::size_t i = 0; i < count; ++i) text += ",same\n";
  return text;
}

/// Rows inserted before each of the first rows make the walk look ahead to a long row repeatedly.
struct LookAhead {
  static std::size_t depth(std::size_t size) {
    std::size_t depth = 1;
    while (depth * depth < size / 4) ++depth;
    return depth;
  }
  static std::string start(std::size_t size) {
    return rows(size, [](std::size_t i) { return fmt::format("s{},\n", i); });
  }
  static std::string before(std::size_t size) {
    std::string text = start(size);
    for (std::size_t i = 0; i < depth(size); ++i) text += fmt::format("r{},\n", i);
    return text + "long," + std::string(8 * size, 'x') + "\n";
  }
  static std::string after(std::size_t size) {
    std::string text = start(size);
    for (std::size_t i = 0; i < depth(size); ++i) {
      for (std::size_t j = 0; j + i < depth(size); ++j) text += fmt::format("i{}-{},\n", i, j);
      text += fmt::format("r{},\n", i);
    }
    return text + "long," + std::string(8 * size, 'x') + "\n";
  }
};

/// Without a limit of bytes, it takes n to the power of 1.5 until the limit of rows ends it. The sizes are
/// below that limit.
Family long_row_ahead() {
  auto family = two_versions("DiffLongRowAheadAgainAndAgain", LookAhead::before, LookAhead::after);
  family.size_max = (std::size_t{1} << 22) - 1;
  family.factor = 16;
  return family;
}

std::string wide_header(std::size_t columns, std::string_view name) {
  std::string text = "id";
  for (std::size_t i = 0; i < columns; ++i) text += fmt::format(",{}{}", name, i);
  return text + "\n";
}

std::string wide_row(std::size_t columns, std::string_view key, std::string_view value) {
  std::string text(key);
  for (std::size_t i = 0; i < columns; ++i) {
    text += ',';
    text += value;
  }
  return text + "\n";
}

}  // namespace

std::vector<Family> diff_families() {
  std::vector<Family> families = {
      two_versions(
          "DiffLongNameBeforeManyRows", [](std::size_t) { return std::string("k,a\n"); },
          [](std::size_t size) {
            std::string text = "k," + std::string(std::min<std::size_t>(size, 200'000), 'n') + "\n";
            for (std::size_t i = 0; i < size; ++i) text += fmt::format("{},\n", i);
            return text;
          }),
      two_versions("DiffOneKeyRepeated", unique_rows, one_key),
      two_versions(
          "DiffOneKeyRepeatedBehindOneRow", [](std::size_t) { return unique_rows(1); }, one_key),
      two_versions("DiffOneOldKeyRepeated", one_key, unique_rows),
      two_versions("DiffBothRepeatOneKey", one_key, one_key),
      two_versions("DiffPairsOfKeys", unique_rows,
                   [](std::size_t size) {
                     return rows(size, [](std::size_t i) { return fmt::format("n{},{}\n", i / 2, i); });
                   }),
      two_versions(
          "DiffRepeatedAfterManyInStep", [](std::size_t size) { return unique_rows(size) + "last,1\n"; },
          [](std::size_t size) { return unique_rows(size) + one_key(size).substr(9); }),
      two_versions("DiffReversedRows", unique_rows, backwards),
      two_versions("DiffNothingInCommon", unique_rows,
                   [](std::size_t size) {
                     return rows(size, [](std::size_t i) { return fmt::format("other{},{}\n", i, i); });
                   }),
      long_row_ahead(),
      two_versions(
          "DiffColumnsRenamed",
          [](std::size_t size) { return wide_header(size, "a") + wide_row(size, "k", "1"); },
          [](std::size_t size) { return wide_header(size, "b") + wide_row(size, "k", "1"); }),
      two_versions(
          "DiffColumnsChanged",
          [](std::size_t size) { return wide_header(size, "a") + wide_row(size, "k", "1"); },
          [](std::size_t size) { return wide_header(size, "a") + wide_row(size, "k", "2"); }),
      first_version("DiffFirstVersionOneKey", one_key),
      first_version("DiffFirstVersionLongRowRepeated", long_row_repeated, by_id()),
      first_version("DiffFirstVersionBackwards", backwards),
  };
  return families;
}

}  // namespace deltadrop::cost
