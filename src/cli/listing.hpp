#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace CLI {
class App;
}

namespace deltadrop::cli {

enum class ListFormat : std::uint8_t {
  text,  ///< for people: aligned columns
  json,  ///< one object per line, as the server sends it
  csv,   ///< RFC 4180 under a header
};

/// Adds --format to a command.
void add_format_option(CLI::App& command, ListFormat& format);

/// Prints rows of text for people or as CSV. Text for people shows control characters in escaped form.
class Listing {
 public:
  /// `columns` is the header; it may be empty.
  Listing(ListFormat format, std::vector<std::string> columns);

  void add(std::vector<std::string> row);
  /// Writes the remaining rows to standard output. CSV is written row by row in `add`.
  Result<void> end();

 private:
  void print_csv(const std::vector<std::string>& row);

  ListFormat format_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace deltadrop::cli
