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
  text,  ///< for people: columns that stand under each other
  json,  ///< one object a line, as the server has it
  csv,   ///< RFC 4180 under a header
};

/// Adds --format to a command.
void add_format_option(CLI::App& command, ListFormat& format);

/// Rows of texts, for people or as CSV. For people a control character is shown and does nothing.
class Listing {
 public:
  /// `columns`: the header; empty: none.
  Listing(ListFormat format, std::vector<std::string> columns);

  void add(std::vector<std::string> row);
  /// Writes what is there to standard output. CSV was written row by row already.
  Result<void> end();

 private:
  void print_csv(const std::vector<std::string>& row);

  ListFormat format_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace deltadrop::cli
