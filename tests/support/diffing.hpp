#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "diff/diff.hpp"

namespace deltadrop::testing {

/// Options, named like an upload's form fields.
struct DiffOptions {
  csv::ReadOptions read;
  csv::Limits limits;
  bool rekey = false;
};

inline csv::File file_over(std::string_view bytes, const DiffOptions& options) {
  auto file = csv::File::over(bytes, options.read, options.limits);
  EXPECT_TRUE(file.has_value()) << file.error().text();
  return std::move(file.value());
}

inline Result<diff::Outcome> outcome_of(std::string_view before, std::string_view after,
                                        const DiffOptions& options = {}) {
  const csv::File old_file = file_over(before, options);
  const csv::File new_file = file_over(after, options);
  return diff::diff(&old_file, new_file, {options.rekey});
}

/// Formats one line per change: `insert K 3 null {...}` with key, line, old and new values, and `[a b]` for
/// the changed columns.
inline std::vector<std::string> described(const csv::File* before, const csv::File& after,
                                          const diff::ChangeSet& changes, Seq first = Seq(1)) {
  std::vector<std::string> lines;
  const auto done =
      diff::for_each_event(before, after, changes, first, [&](const EventView& event) -> Result<bool> {
        std::string line = std::string(to_string(event.type)) + " " + std::string(event.key_value) + " " +
                           std::to_string(event.line.value);
        if (!event.old_values_json.empty()) line += " " + std::string(event.old_values_json);
        if (!event.new_values_json.empty()) line += " " + std::string(event.new_values_json);
        if (event.changed_columns != nullptr) {
          std::string names;
          for (const auto name : *event.changed_columns)
            names += (names.empty() ? "" : " ") + std::string(name);
          line += " [" + names + "]";
        }
        lines.push_back(line);
        return true;
      });
  EXPECT_TRUE(done.has_value());
  return lines;
}

}  // namespace deltadrop::testing
