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

std::string key_hint(const std::vector<std::string>& columns, const std::string& wanted) {
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

/// Returns `name` with enough "_" appended to differ from all names in `taken`, ignoring case.
std::string free_name(std::string name, const std::set<std::string>& taken) {
  while (taken.contains(ascii_lower(name))) name += '_';
  return name;
}

}  // namespace

bool HeaderReader::read_names(RowScanner& scanner, Header& header) {
  line_ = scanner.line();
  if (!options_.has_header) {
    header.columns = options_.columns;
    return true;
  }
  Row row;
  if (!scanner.next(row)) {
    report_no_header();
    return false;
  }
  line_ = row.line;
  record_ = row.bytes;
  if (!readable(row)) return false;
  RowSplitter splitter(header.delimiter);
  for (const auto name : splitter.split(row.bytes)) header.columns.emplace_back(name);
  return true;
}

void HeaderReader::settle_columns(Header& header) {
  if (options_.unnamed != Unnamed::refuse) name_the_nameless(header);
  check_names(header);
  find_tracked(header);
  find_key(header);
}

void HeaderReader::name_the_nameless(Header& header) {
  std::set<std::string> taken;
  for (const auto& name : header.columns) taken.insert(ascii_lower(name));
  for (std::size_t i = 0; i < header.columns.size(); ++i) {
    std::string& name = header.columns[i];
    if (!blank(name)) continue;
    if (options_.unnamed == Unnamed::drop) {
      name.clear();
      header.dropped.push_back(i);
    } else {
      name = free_name(fmt::format("column_{}", i + 1), taken);
      taken.insert(name);
    }
  }
}

void HeaderReader::report(std::string_view type, std::optional<std::string_view> column, std::string message,
                          std::string fix) {
  findings_.add([&] {
    Finding finding{std::string(type), line_, std::nullopt, std::nullopt, std::move(message), std::move(fix)};
    if (column) finding.column = value_for_finding(*column);
    return finding;
  });
}

void HeaderReader::report_no_header() {
  const bool skips = options_.skip_lines.lines > 0 || options_.skip_footer > 0;
  report("no-header", std::nullopt,
         skips ? "no header line is left in the file after the lines that skip_lines= and skip_footer= skip"
               : "the file is empty: it has no header line",
         "send a file whose first line names the columns");
}

bool HeaderReader::readable(const Row& row) {
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
           "split the table, check the delimiter, or raise MAX_COLUMNS");
    return false;
  }
  return true;
}

void HeaderReader::check_names(const Header& header) {
  const std::vector<std::string>& columns = header.columns;
  // Use a tree, because chosen names could collide in a hash table.
  std::map<std::string, std::size_t> first_with_name;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string& name = columns[i];
    if (std::binary_search(header.dropped.begin(), header.dropped.end(), i)) continue;
    if (blank(name)) {
      report("blank-column-name", name, fmt::format("column {} in line {} has no name", i + 1, line_.value),
             "name every column, or give unnamed=number to have it named, or unnamed=drop to leave it out");
      continue;
    }
    // Every event repeats the names, so a long name would make the event of each short row large.
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

void HeaderReader::find_tracked(Header& header) const {
  const std::set<std::string_view> ignored(options_.ignore.begin(), options_.ignore.end());
  for (std::size_t i = 0; i < header.columns.size(); ++i) {
    const bool is_dropped = std::binary_search(header.dropped.begin(), header.dropped.end(), i);
    if (!is_dropped && !ignored.contains(header.columns[i])) header.tracked.push_back(i);
  }
}

void HeaderReader::find_key(Header& header) {
  std::vector<std::size_t> key;
  if (options_.key.empty()) {
    std::size_t first = 0;
    while (first < header.dropped.size() && header.dropped[first] == first) ++first;
    if (first == header.columns.size()) {
      header.columns.clear();
      return report_no_header();
    }
    key.push_back(first);
  }
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
    report("ignored-key-column", name, fmt::format("the key column {} is ignored", quoted_for_message(name)),
           "take it off the ignore list, or choose another key");
  }
  if (complete) header.key = std::move(key);
}

Result<void> check_options(const ReadOptions& options) {
  if (!options.has_header && options.columns.empty()) {
    return Error{ErrorCode::invalid_input, "no-columns", "header=none needs the names of the columns",
                 "name them with columns=, such as columns=id,name,price"};
  }
  if (options.has_header && !options.columns.empty()) {
    return Error{ErrorCode::invalid_input, "bad-columns",
                 "columns= names the columns of a file without a header, and this one has one",
                 "give header=none too, or leave out columns="};
  }
  if (!options.has_header && options.skip_lines.automatic) {
    return Error{ErrorCode::invalid_input, "bad-skip-lines",
                 "skip_lines=auto looks for a header, and header=none says that there is none",
                 "give the number of lines to skip"};
  }
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

std::string Header::key_column() const {
  if (key.size() == 1) return columns[key.front()];
  std::vector<std::string_view> names;
  names.reserve(key.size());
  for (const auto column : key) names.emplace_back(columns[column]);
  return format_record(names);
}

}  // namespace deltadrop::csv
