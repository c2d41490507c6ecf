#include "ingest/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/text.hpp"
#include "ingest/types_json.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::size_t kFileNameBytesMax = 255;
/// An empty form field says nothing.
std::optional<std::string_view> given(const std::optional<std::string>& field) {
  if (!field || field->empty()) return std::nullopt;
  return *field;
}

template <class T, class Parse>
Result<std::optional<T>> parse_given(const std::optional<std::string>& field, Parse parse) {
  const auto text = given(field);
  if (!text) return std::optional<T>();
  DD_TRY(auto value, parse(*text));
  return std::optional<T>(std::move(value));
}

/// `auto` takes back what the table remembers.
template <class T, class Parse>
Result<std::optional<std::optional<T>>> parse_given_or_auto(const std::optional<std::string>& field,
                                                            Parse parse) {
  using Asked = std::optional<std::optional<T>>;
  const auto text = given(field);
  if (!text) return Asked();
  if (ascii_lower(*text) == "auto") return Asked(std::in_place, std::nullopt);
  DD_TRY(auto value, parse(*text));
  return Asked(std::in_place, std::move(value));
}

Result<TableRef> table_of(const UploadRequest& request) {
  const auto company = given(request.company_id);
  const auto table_name = given(request.table_name).value_or(kDefaultTableName);
  if (company) return TableRef::make(*company, table_name);
  const std::string stem = company_of_file_name(request.file_name);
  auto table = TableRef::make(stem, table_name);
  // A table_name that is wrong by itself speaks for itself.
  if (table.has_value() || !TableRef::make("company", table_name).has_value()) return table;
  return Error{
      ErrorCode::invalid_input, "bad-name",
      fmt::format("the file name {} gives no usable company_id", quoted_for_message(request.file_name)),
      "give company_id as 1 to 128 of A-Z a-z 0-9 . _ - starting with a letter or digit"};
}

Result<std::vector<std::string>> parse_ignore(std::string_view text) {
  std::vector<std::string> names;
  if (text.empty()) return names;
  DD_TRY(names, csv::parse_column_list(text));
  // A set: its order means nothing, and must not make a new version.
  std::sort(names.begin(), names.end());
  return names;
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

}  // namespace

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

Result<std::string> parse_types(std::string_view text) {
  DD_TRY(const auto types, types_from_text(text));
  return types_to_json(types);
}

Result<ParsedRequest> parse_request(const UploadRequest& request) {
  ParsedRequest parsed;
  DD_TRY(parsed.table, table_of(request));
  parsed.original_name = sanitised_file_name(request.file_name);
  DD_TRY(parsed.key, parse_given<std::vector<std::string>>(request.key, csv::parse_column_list));
  if (request.ignore) {
    DD_TRY(parsed.ignore, parse_ignore(*request.ignore));
  }
  DD_TRY(parsed.delimiter, parse_given_or_auto<char>(request.delimiter, csv::parse_delimiter));
  DD_TRY(parsed.encoding, parse_given_or_auto<csv::Encoding>(request.encoding, csv::parse_encoding));
  DD_TRY(parsed.empty, parse_given<csv::EmptyPolicy>(request.empty, csv::parse_empty_policy));
  DD_TRY(parsed.effective_at, parse_given<Timestamp>(request.effective_at, parse_effective_at));
  if (request.types) {
    DD_TRY(parsed.types_json, parse_types(*request.types));
  }
  parsed.dry_run = request.dry_run;
  parsed.force = request.force;
  parsed.rekey = request.rekey;
  parsed.precondition = request.precondition;
  parsed.stop = request.caller.stop;
  return parsed;
}

Result<void> check_precondition(const Precondition& precondition, const TableRef& table,
                                const UploadRecord* newest) {
  const auto contains_newest = [newest](const FileSet& files) {
    if (newest == nullptr) return false;
    return files.any ||
           std::find(files.sha256s.begin(), files.sha256s.end(), newest->sha256) != files.sha256s.end();
  };
  const bool met = (!precondition.newest_is || contains_newest(*precondition.newest_is)) &&
                   (!precondition.newest_is_not || !contains_newest(*precondition.newest_is_not));
  if (met) return success();
  const auto state = newest == nullptr ? std::string("has no version")
                                       : fmt::format("is at version {}, whose file has the SHA-256 {}",
                                                     newest->version->value, newest->sha256.to_hex());
  return Error{ErrorCode::conflict, "precondition-failed",
               fmt::format("table {} {}, which the request's condition excludes", table.to_string(), state),
               "look at what has changed since, then send the file again with the new entity tag"};
}

WantedOptions wanted_options(const ParsedRequest& request, const UploadRecord* last) {
  WantedOptions wanted;
  if (request.again) return {request.again->options, request.again->types_json};
  // Key, ignore, empty and types are the table's: said once, they hold until said otherwise. Delimiter and
  // encoding are a file's: they are found again in each, because the tool that writes the files may change,
  // unless a client has named them, which it does where finding them goes wrong.
  if (last != nullptr) {
    wanted.read.key = last->options.key;
    wanted.read.ignore = last->options.ignore;
    wanted.read.empty = last->options.empty;
    wanted.types_json = last->types_json;
    if (last->delimiter_given) wanted.read.delimiter = last->options.delimiter;
    wanted.read.encoding = last->encoding_given;
  }
  if (request.key) wanted.read.key = *request.key;
  if (request.ignore) wanted.read.ignore = *request.ignore;
  if (request.empty) wanted.read.empty = *request.empty;
  if (request.types_json) {
    wanted.types_json = request.types_json->empty() ? std::nullopt : request.types_json;
  }
  if (request.delimiter) wanted.read.delimiter = *request.delimiter;
  if (request.encoding) wanted.read.encoding = *request.encoding;
  return wanted;
}

Result<void> check_effective_at(Timestamp effective_at, Timestamp timestamp, const UploadRecord* last) {
  if (effective_at > timestamp) {
    return Error{ErrorCode::invalid_input, "bad-effective-at",
                 fmt::format("effective_at {} is in the future; it is {}", effective_at.to_string(),
                             timestamp.to_string()),
                 "give a time that has come, or send the file then"};
  }
  if (last != nullptr && last->effective_at && effective_at <= *last->effective_at) {
    return Error{ErrorCode::invalid_input, "bad-effective-at",
                 fmt::format("effective_at {} is not later than {}, from when version {} of {} holds",
                             effective_at.to_string(), last->effective_at->to_string(), last->version->value,
                             last->table.to_string()),
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
