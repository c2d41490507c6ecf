#include "csv/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "csv/fields.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {
namespace {

constexpr const char* kSaveAs = "save the file in one encoding, or name its encoding with encoding=";

bool blank(std::string_view name) { return name.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Reads columns out of the header's record and reports what is wrong with it.
class HeaderReader {
 public:
  HeaderReader(const ReadOptions& options, const Limits& limits, FindingLog& findings)
      : options_(options), limits_(limits), findings_(findings) {}

  void read(std::string_view text, Header& header) {
    RowScanner scanner(text, header.delimiter);
    Row row;
    if (!scanner.next(row)) return report_no_header();
    line_ = row.line;
    if (!readable(row)) return;
    RowSplitter splitter(header.delimiter);
    for (const auto name : splitter.split(row.bytes)) header.columns.emplace_back(name);
    check_names(header.columns);
    find_tracked(header);
    find_key(header);
  }

 private:
  void report(std::string_view type, std::optional<std::string_view> column, std::string message,
              std::string fix) {
    findings_.add([&] {
      Finding finding{std::string(type),  line_,         std::nullopt, std::nullopt,
                      std::move(message), std::move(fix)};
      if (column) finding.column = value_for_finding(*column);
      return finding;
    });
  }

  void report_no_header() {
    report("no-header", std::nullopt, "the file is empty: it has no header line",
           "send a file whose first line names the columns");
  }

  bool readable(const Row& row) {
    if (row.bytes.find('\0') != std::string_view::npos) {
      report("nul-byte", std::nullopt, fmt::format("the header in line {} holds a NUL byte", line_.value),
             fmt::format("remove it, or, if the file is UTF-16, give encoding=utf-16le; {}", kSaveAs));
      return false;
    }
    if (find_invalid_utf8(row.bytes) != std::string_view::npos) {
      report("invalid-utf8", std::nullopt,
             fmt::format("the header {} in line {} is not valid UTF-8", quoted_for_message(row.bytes),
                         line_.value),
             kSaveAs);
      return false;
    }
    if (row.fault == RowFault::unclosed_quote) {
      report("unclosed-quote", std::nullopt,
             fmt::format("the header in line {} opens a quote that is never closed: {}", line_.value,
                         quoted_for_message(row.bytes.substr(row.fault_at))),
             "close the quote, or double it where it is part of a name");
      return false;
    }
    if (row.fault == RowFault::text_after_quote) {
      report("text-after-quote", std::nullopt,
             fmt::format("the header in line {} has text after a closing quote: {}", line_.value,
                         quoted_for_message(row.bytes.substr(row.fault_at))),
             "double quotes that are part of a name");
      return false;
    }
    if (row.fields > limits_.columns_max) {
      report("too-many-columns", std::nullopt,
             fmt::format("the header has {} columns, {} are allowed", row.fields, limits_.columns_max),
             "split the table, or check the delimiter");
      return false;
    }
    return true;
  }

  void check_names(const std::vector<std::string>& columns) {
    // A tree: nobody can choose names that collide in it.
    std::map<std::string, std::size_t> first_with_name;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& name = columns[i];
      if (blank(name)) {
        report("blank-column-name", name, fmt::format("column {} in line {} has no name", i + 1, line_.value),
               "name every column; a delimiter at the end of the header makes one column too many");
        continue;
      }
      // Every event of the file repeats the names: a long one would make each short row a large event.
      if (name.size() > limits_.key_bytes_max) {
        report("column-name-too-long", name,
               fmt::format("the name of column {} in line {} has {} bytes, {} are allowed: {}", i + 1,
                           line_.value, name.size(), limits_.key_bytes_max, quoted_for_message(name)),
               "choose a shorter name, or look for a missing line end after the header");
      }
      const auto [known, is_new] = first_with_name.emplace(ascii_lower(name), i);
      if (is_new) continue;
      report("repeated-column-name", name,
             fmt::format("column name {} stands at places {} and {} of line {}", quoted_for_message(name),
                         known->second + 1, i + 1, line_.value),
             "give every column a name of its own; names that differ only in case count as one");
    }
  }

  void find_tracked(Header& header) const {
    const std::set<std::string_view> ignored(options_.ignore.begin(), options_.ignore.end());
    for (std::size_t i = 0; i < header.columns.size(); ++i) {
      if (!ignored.contains(header.columns[i])) header.tracked.push_back(i);
    }
  }

  void find_key(Header& header) {
    std::vector<std::size_t> key;
    if (options_.key.empty()) key.push_back(0);
    std::map<std::string_view, std::size_t> columns;
    if (!options_.key.empty()) {
      for (std::size_t i = 0; i < header.columns.size(); ++i) columns.emplace(header.columns[i], i);
    }
    bool complete = true;
    for (const auto& name : options_.key) {
      if (const auto found = columns.find(name); found != columns.end()) {
        key.push_back(found->second);
        continue;
      }
      complete = false;
      report("missing-key-column", name,
             fmt::format("the key column {} is not in the header", quoted_for_message(name)),
             findings_.keeps_more() ? key_hint(header.columns, name) : std::string());
    }
    for (const auto column : key) {
      if (std::binary_search(header.tracked.begin(), header.tracked.end(), column)) continue;
      complete = false;
      const auto& name = header.columns[column];
      report("ignored-key-column", name,
             fmt::format("the key column {} is ignored", quoted_for_message(name)),
             "take it off the ignore list, or choose another key");
    }
    if (complete) header.key = std::move(key);
  }

  static std::string key_hint(const std::vector<std::string>& columns, const std::string& wanted) {
    const std::string wanted_lower = ascii_lower(wanted);
    std::string list;
    for (const auto& name : columns) {
      if (ascii_lower(name) == wanted_lower) {
        return fmt::format("the header spells it {}; write it so", quoted_for_message(name));
      }
      if (list.size() < 200) list += (list.empty() ? "" : ", ") + quoted_for_message(name);
    }
    return fmt::format("the columns are {}; name the key with key=, or check the delimiter", list);
  }

  const ReadOptions& options_;
  const Limits& limits_;
  FindingLog& findings_;
  Line line_{1};
};

}  // namespace

char sniff_delimiter(std::string_view text) {
  constexpr std::array<char, 4> kCandidates = {',', ';', '\t', '|'};
  char best = ',';
  std::uint64_t most_fields = 1;
  for (const char candidate : kCandidates) {
    RowScanner scanner(text, candidate);
    Row row;
    if (!scanner.next(row) || row.fault != RowFault::none || row.fields <= most_fields) continue;
    best = candidate;
    most_fields = row.fields;
  }
  return best;
}

Result<void> check_options(const ReadOptions& options) {
  std::set<std::string_view> seen;
  for (const auto& name : options.key) {
    if (!seen.insert(name).second) {
      return Error{ErrorCode::invalid_input, "bad-key",
                   fmt::format("the key names {} twice", quoted_for_message(name)),
                   "name each key column once"};
    }
  }
  for (const auto& name : options.ignore) {
    if (seen.contains(name)) {
      return Error{ErrorCode::invalid_input, "ignored-key-column",
                   fmt::format("the key column {} is on the ignore list", quoted_for_message(name)),
                   "take it off the ignore list, or choose another key"};
    }
  }
  return success();
}

Header read_header(std::string_view text, const ReadOptions& options, const Limits& limits, Encoding encoding,
                   FindingLog& findings) {
  Header header;
  header.encoding = encoding;
  header.delimiter = options.delimiter ? *options.delimiter : sniff_delimiter(text);
  HeaderReader(options, limits, findings).read(text, header);
  return header;
}

std::string Header::key_column() const {
  if (key.size() == 1) return columns[key.front()];
  std::vector<std::string_view> names;
  names.reserve(key.size());
  for (const auto column : key) names.emplace_back(columns[column]);
  return format_record(names);
}

}  // namespace deltadrop::csv
