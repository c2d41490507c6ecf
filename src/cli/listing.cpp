#include "cli/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/diff_output.hpp"
#include "cli/standard_output.hpp"
#include "csv/options.hpp"

namespace deltadrop::cli {
namespace {

std::size_t width_of(const std::string& text) {
  const auto follows = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; };
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), follows));
}

}  // namespace

void add_format_option(CLI::App& command, ListFormat& format) {
  static const std::map<std::string, ListFormat> kFormats = {
      {"text", ListFormat::text}, {"json", ListFormat::json}, {"csv", ListFormat::csv}};
  command
      .add_option_function<std::string>(
          "--format", [&format](const std::string& name) { format = kFormats.at(name); },
          "text, json (one object a line) or csv (text)")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->type_name("FORMAT");
}

Listing::Listing(ListFormat format, std::vector<std::string> columns) : format_(format) {
  if (!columns.empty()) add(std::move(columns));
}

void Listing::add(std::vector<std::string> row) {
  if (format_ == ListFormat::csv) return print_csv(row);
  for (auto& cell : row) cell = terminal_safe(cell);
  rows_.push_back(std::move(row));
}

void Listing::print_csv(const std::vector<std::string>& row) {
  fmt::print("{}\r\n", csv::format_record({row.begin(), row.end()}));
}

Result<void> Listing::end() {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    fmt::print("{}\n", line);
  }
  if (std::fflush(stdout) == 0) return success();
  return output_failed();
}

}  // namespace deltadrop::cli
