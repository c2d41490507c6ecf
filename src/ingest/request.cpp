#include "ingest/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/text.hpp"
#include "ingest/reading_options.hpp"
#include "ingest/types_json.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::size_t kFileNameBytesMax = 255;
/// Returns the text of a field; nothing if the field is absent or its empty text has no meaning.
std::optional<std::string_view> said(const UploadFields& fields, std::string_view name,
                                     bool empty_is_none = false) {
  const auto found = fields.find(name);
  if (found == fields.end() || (found->second.empty() && !empty_is_none)) return std::nullopt;
  return found->second;
}

struct Flag {
  std::string_view name;
  bool ParsedRequest::* member;
};
constexpr auto kFlags = std::to_array<Flag>({
    {"dry_run", &ParsedRequest::dry_run},
    {"force", &ParsedRequest::force},
    {"rekey", &ParsedRequest::rekey},
});

std::vector<std::string_view> field_names() {
  std::vector<std::string_view> names = {"company_id", "table_name"};
  for (const auto& option : reading_options()) names.push_back(option.name);
  names.push_back("effective_at");
  for (const auto& flag : kFlags) names.push_back(flag.name);
  return names;
}

Result<void> check_name(std::string_view name) {
  const auto names = field_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return success();
  return Error{ErrorCode::invalid_input, "bad-parameter",
               fmt::format("there is no field {}", quoted_for_message(name)),
               fmt::format("send the CSV as file; the other fields are {}", fmt::join(names, ", "))};
}

Result<TableRef> table_of(const UploadRequest& request) {
  const auto company = said(request.fields, "company_id");
  const auto table_name = said(request.fields, "table_name").value_or(kDefaultTableName);
  if (company) return TableRef::make(*company, table_name);
  const std::string stem = company_of_file_name(request.file_name);
  auto table = TableRef::make(stem, table_name);
  // If table_name itself is wrong, its own error is clear enough.
  if (table.has_value() || !TableRef::make("company", table_name).has_value()) return table;
  return Error{
      ErrorCode::invalid_input, "bad-name",
      fmt::format("the file name {} gives no usable company_id", quoted_for_message(request.file_name)),
      "give company_id as 1 to 128 of A-Z a-z 0-9 . _ - starting with a letter or digit"};
}

Result<Timestamp> parse_effective_at(std::string_view text) {
  auto parsed = Timestamp::parse(text);
  if (parsed.has_value()) return parsed;
  Error error = parsed.error();
  error.type = "bad-effective-at";
  error.message = fmt::format("effective_at {} is not a date and time", quoted_for_message(text));
  return error;
}

std::string without_folders(std::string_view file_name) {
  const auto slash = file_name.find_last_of("/\\");
  return std::string(slash == std::string_view::npos ? file_name : file_name.substr(slash + 1));
}

bool has_one_byte_a_character(csv::Encoding encoding) {
  return encoding == csv::Encoding::latin1 || encoding == csv::Encoding::windows1252;
}

}  // namespace

std::optional<AskedKey> asked_key(const Caller& caller, const Sha256& request) {
  if (!caller.idempotency_key) return std::nullopt;
  return AskedKey{caller.key_scope, *caller.idempotency_key, request};
}

std::string sanitised_file_name(std::string_view file_name) {
  const std::string name = without_folders(file_name);
  std::string clean;
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t length = utf8_character_length(rest);
    const bool printable = length > 1 || (length == 1 && rest.front() >= 0x20 && rest.front() != 0x7F);
    const std::string_view next = printable ? rest.substr(0, length) : std::string_view("?");
    if (clean.size() + next.size() > kFileNameBytesMax) break;
    clean += next;
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

Result<bool> parse_flag(std::string_view name, std::string_view text) {
  if (text == "1" || ascii_lower(text) == "true") return true;
  if (text == "0" || ascii_lower(text) == "false") return false;
  return Error{ErrorCode::invalid_input, "bad-parameter",
               fmt::format("{} cannot be {}", name, quoted_for_message(text)),
               fmt::format("give {} as true, false, 1 or 0", name)};
}

Result<std::string> parse_types(std::string_view text) {
  DD_TRY(const auto types, types_from_text(text));
  return types_to_json(types);
}

Result<void> add_field(UploadFields& fields, const std::string& name, const std::string& text) {
  DD_TRY(check_name(name));
  for (const auto& flag : kFlags) {
    if (flag.name != name || text.empty()) continue;
    DD_TRY(const bool is_set, parse_flag(name, text));
    if (is_set) fields[name] = "true";
    return success();
  }
  const auto options = reading_options();
  const bool says_none = std::any_of(options.begin(), options.end(), [&name](const ReadingOption& option) {
    return option.name == name && option.empty_is_none;
  });
  if (!text.empty() || says_none) fields[name] = text;
  return success();
}

Result<ParsedRequest> parse_request(const UploadRequest& request) {
  for (const auto& [name, text] : request.fields) {
    DD_TRY(check_name(name));
  }
  ParsedRequest parsed;
  DD_TRY(parsed.table, table_of(request));
  parsed.original_name = sanitised_file_name(request.file_name);
  for (const auto& option : reading_options()) {
    const auto text = said(request.fields, option.name, option.empty_is_none);
    if (!text) continue;
    DD_TRY(option.parse(*text, parsed.reading));
    parsed.given.insert(option.name);
  }
  if (const auto text = said(request.fields, "effective_at")) {
    DD_TRY(parsed.effective_at, parse_effective_at(*text));
  }
  for (const auto& flag : kFlags) {
    if (const auto text = said(request.fields, flag.name)) {
      DD_TRY(parsed.*flag.member, parse_flag(flag.name, *text));
    }
  }
  parsed.precondition = request.precondition;
  parsed.stop = request.caller.stop;
  return parsed;
}

Result<void> check_precondition(const Precondition& precondition, const TableRef& table,
                                const UploadRecord* newest) {
  const auto contains_newest = [newest](const FileSet& files) {
    if (newest == nullptr) return false;
    return files.any ||
           std::find(files.sha256s.begin(), files.sha256s.end(), newest->file.sha256) != files.sha256s.end();
  };
  const bool met = (!precondition.newest_is || contains_newest(*precondition.newest_is)) &&
                   (!precondition.newest_is_not || !contains_newest(*precondition.newest_is_not));
  if (met) return success();
  const auto state = newest == nullptr ? std::string("has no version")
                                       : fmt::format("is at version {}, whose file has the SHA-256 {}",
                                                     newest->version->value, newest->file.sha256.to_hex());
  return Error{ErrorCode::conflict, "precondition-failed",
               fmt::format("table {} {}, which the request's condition excludes", table.to_string(), state),
               "look at what has changed since, then send the file again with the new entity tag"};
}

WantedReading wanted_options(const ParsedRequest& request, const UploadRecord* last) {
  WantedReading wanted;
  if (request.again) {
    const UploadReading& again = request.again->reading;
    static_cast<ReadingOptions&>(wanted) = again;
    wanted.delimiter_given = again.delimiter_given;
    wanted.encoding_given = again.encoding_given;
    wanted.skip_lines_given = again.skip_lines_given;
    return wanted;
  }
  // The table remembers its options until a request changes them. Delimiter, encoding and the lines above the
  // header are detected in each file, because the tool that writes the files may change. If detection goes
  // wrong, a client gives them, and then the table remembers them too.
  if (last != nullptr) {
    static_cast<ReadingOptions&>(wanted) = last->reading;
    wanted.options.rules = csv::kRules;
    if (!last->reading.delimiter_given) wanted.options.delimiter.reset();
    wanted.options.encoding = last->reading.encoding_given;
    wanted.options.skip_lines = last->reading.skip_lines_given;
  }
  for (const auto& option : reading_options()) {
    if (request.given.contains(option.name)) option.copy(request.reading, wanted);
  }
  // The remembered column names are for files without a header.
  const bool has_header_now = request.given.contains("header") && wanted.options.has_header;
  if (has_header_now && !request.given.contains("columns")) wanted.options.columns.clear();
  wanted.delimiter_given = wanted.options.delimiter.has_value();
  wanted.encoding_given = wanted.options.encoding;
  wanted.skip_lines_given = wanted.options.skip_lines;
  if (last == nullptr) return wanted;
  if (!request.given.contains("delimiter") && last->reading.columns.size() > 1) {
    wanted.remembered.delimiter = last->reading.options.delimiter;
  }
  // A remembered encoding, unlike one of this request, is checked against the file's bytes.
  const auto& encoding = wanted.options.encoding;
  if (!request.given.contains("encoding") && encoding && has_one_byte_a_character(*encoding)) {
    wanted.remembered.encoding = encoding;
    wanted.options.encoding.reset();
  }
  return wanted;
}

Result<void> check_effective_at(Timestamp effective_at, Timestamp timestamp, const UploadRecord* last) {
  if (effective_at > timestamp) {
    return Error{ErrorCode::invalid_input, "bad-effective-at",
                 fmt::format("effective_at {} is in the future; it is {}", effective_at.to_string(),
                             timestamp.to_string()),
                 "give a time that has come, or send the file then"};
  }
  if (last != nullptr && last->times.effective_at && effective_at <= *last->times.effective_at) {
    return Error{ErrorCode::invalid_input, "bad-effective-at",
                 fmt::format("effective_at {} is not later than {}, from when version {} of {} holds",
                             effective_at.to_string(), last->times.effective_at->to_string(),
                             last->version->value, last->table.to_string()),
                 "give a later time, or leave effective_at out"};
  }
  return success();
}

std::vector<std::string> unknown_columns(std::string_view option, const std::vector<std::string>& names,
                                         const std::vector<std::string>& columns) {
  std::vector<std::string> warnings;
  if (names.empty()) return warnings;
  const std::set<std::string_view> known(columns.begin(), columns.end());
  std::map<std::string, std::string_view> by_lower_name;
  for (const auto& column : columns) by_lower_name.emplace(ascii_lower(column), column);
  for (const auto& name : names) {
    if (known.contains(name)) continue;
    std::string warning =
        fmt::format("{} names the column {}, which the file does not have", option, quoted_for_message(name));
    const auto alike = by_lower_name.find(ascii_lower(name));
    if (alike != by_lower_name.end())
      warning += fmt::format("; it has {}", quoted_for_message(alike->second));
    warnings.push_back(std::move(warning));
  }
  return warnings;
}

std::vector<std::string> unknown_type_columns(const std::optional<std::string>& types_json,
                                              const std::vector<std::string>& columns) {
  if (!types_json) return {};
  const auto types = types_from_json(*types_json);
  if (!types.has_value()) return {types.error().text()};
  std::vector<std::string> names;
  for (const auto& [column, type] : types.value()) names.push_back(column);
  return unknown_columns("types", names, columns);
}

}  // namespace deltadrop::ingest
