#include "ingest/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <boost/json.hpp>

#include "ingest/reading_options.hpp"
#include "io/sha256.hpp"

namespace deltadrop::ingest {
namespace {

namespace json = boost::json;

template <class Texts>
json::array array_of(const Texts& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

template <class Printable>
json::value text_or_null(const std::optional<Printable>& value) {
  if (!value) return nullptr;
  return json::value(value->to_string());
}

json::value number_or_null(const std::optional<Version>& version) {
  if (!version) return nullptr;
  return json::value(version->value);
}

json::array schema_changes_value(const std::vector<diff::SchemaChange>& changes) {
  json::array array;
  for (const auto& change : changes) {
    array.push_back(
        {{"column", change.column}, {"added", change.added}, {"values_lost", change.values_lost}});
  }
  return array;
}

void add_reading(json::object& object, const UploadReading& reading) {
  json::object others;
  for (const auto& option : reading_options()) {
    auto value = option.to_json(reading);
    if (option.is_member) {
      object[option.name] = std::move(value);
    } else if (value != option.to_json({})) {
      others[option.name] = std::move(value);
    }
  }
  if (!others.empty()) object["options"] = std::move(others);
  object["key_column"] = reading.key_column;
  object["delimiter_given"] = reading.delimiter_given;
  object["encoding_given"] =
      reading.encoding_given ? json::value(csv::to_string(*reading.encoding_given)) : json::value(nullptr);
  if (reading.skip_lines_given != reading.options.skip_lines) {
    object["skip_lines_given"] = csv::to_string(reading.skip_lines_given);
  }
  if (reading.delimiter_declared) object["delimiter_declared"] = true;
  if (reading.trailing_delimiter) object["trailing_delimiter"] = true;
  object["rules"] = reading.options.rules;
  object["rekey"] = reading.rekey;
  object["columns"] = array_of(reading.columns);
  object["tracked"] = array_of(reading.tracked);
}

json::object object_of(const UploadRecord& record) {
  json::object object;
  object["upload_id"] = record.upload_id.to_string();
  object["company_id"] = record.table.company_id;
  object["table_name"] = record.table.table_name;
  object["version"] = number_or_null(record.version);
  object["previous_upload_id"] = text_or_null(record.previous_upload_id);
  object["sha256"] = record.file.sha256.to_hex();
  object["bytes"] = record.file.bytes;
  object["file_id"] = record.file.file_id;
  object["original_name"] = record.file.original_name;
  object["archive_name"] = record.file.archive_name;
  if (const auto& source = record.file.source) {
    object["source"] = {
        {"sha256", source->sha256.to_hex()}, {"bytes", source->bytes}, {"sheet", source->sheet}};
  }
  object["received_at"] = record.times.received_at.to_string();
  object["timestamp"] = text_or_null(record.times.timestamp);
  object["effective_at"] = text_or_null(record.times.effective_at);
  add_reading(object, record.reading);
  object["rows_before"] = record.outcome.counts.rows_before;
  object["rows"] = record.outcome.counts.rows;
  object["inserted"] = record.outcome.counts.inserted;
  object["updated"] = record.outcome.counts.updated;
  object["deleted"] = record.outcome.counts.deleted;
  object["schema_changes"] = schema_changes_value(record.outcome.schema_changes);
  object["hold_reasons"] = array_of(record.outcome.hold_reasons);
  object["warnings"] = array_of(record.outcome.warnings);
  if (const auto& skipped = record.outcome.skipped) {
    object["skipped"] = {{"blank", skipped->blank},
                         {"header", skipped->header},
                         {"lines", skipped->lines},
                         {"footer", skipped->footer}};
  }
  object["dry_run"] = record.dry_run;
  object["based_on"] = number_or_null(record.based_on);
  if (record.reverts_to) object["reverts_to"] = record.reverts_to->value;
  if (record.archive_id) object["archive_id"] = record.archive_id->to_string();
  return object;
}

/// Reads the members of one record by name. Keeps the first that is missing or wrong in `problem`.
class MemberReader {
 public:
  explicit MemberReader(const json::object& object) : object_(object) {}

  bool has(std::string_view name) { return find(name) != nullptr; }

  std::string text(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    fail(name, "a string");
    return {};
  }

  std::optional<std::string> text_or_null(std::string_view name) {
    if (is_null(name)) return std::nullopt;
    return text(name);
  }

  std::int64_t number(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0) return value->get_int64();
    fail(name, "a whole number from 0");
    return 0;
  }

  bool flag(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_bool()) return value->get_bool();
    fail(name, "true or false");
    return false;
  }

  std::optional<Version> version_or_null(std::string_view name) {
    if (is_null(name)) return std::nullopt;
    return Version(number(name));
  }

  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> out;
    const json::value* value = find(name);
    if (value == nullptr || !value->is_array()) {
      fail(name, "an array of strings");
      return out;
    }
    for (const auto& element : value->get_array()) {
      if (!element.is_string()) {
        fail(name, "an array of strings");
        return out;
      }
      out.emplace_back(element.get_string());
    }
    return out;
  }

  void options(ReadingOptions& into) {
    for (const auto& option : reading_options()) {
      if (option.is_member) read_option(option, option.name, find(option.name), into);
    }
    const json::value* others = find("options");
    if (others == nullptr) return;
    if (!others->is_object()) return fail("options", "an object");
    const auto known = reading_options();
    for (const auto& [name, value] : others->get_object()) {
      const auto path = fmt::format("options.{}", std::string_view(name));
      const auto option = std::find_if(known.begin(), known.end(), [&](const ReadingOption& each) {
        return !each.is_member && each.name == std::string_view(name);
      });
      if (option == known.end()) return fail(path, "an option that this program knows");
      read_option(*option, path, &value, into);
    }
  }

  std::vector<diff::SchemaChange> schema_changes(std::string_view name) {
    std::vector<diff::SchemaChange> changes;
    const json::value* value = find(name);
    if (value == nullptr || !value->is_array()) {
      fail(name, "an array of objects");
      return changes;
    }
    for (const auto& element : value->get_array()) {
      if (!element.is_object()) {
        fail(name, "an array of objects");
        return changes;
      }
      MemberReader members(element.get_object());
      changes.push_back({members.text("column"), members.flag("added"), members.number("values_lost")});
      if (!members.problem().empty()) fail(name, "an array of changes");
    }
    return changes;
  }

  std::optional<csv::Skipped> skipped(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) {
      fail(name, "an object");
      return std::nullopt;
    }
    MemberReader members(value->get_object());
    const csv::Skipped skipped{members.number("blank"), members.number("header"), members.number("lines"),
                               members.number("footer")};
    if (!members.problem().empty()) fail(name, "an object of counts");
    return skipped;
  }

  std::optional<UploadSource> source(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) {
      fail(name, "an object");
      return std::nullopt;
    }
    MemberReader members(value->get_object());
    UploadSource source;
    source.sha256 = members.keep("sha256", Sha256::parse(members.text("sha256")));
    source.bytes = members.number("bytes");
    source.sheet = members.text("sheet");
    if (!members.problem().empty()) fail(name, "a workbook's sha256, bytes and sheet");
    return source;
  }

  template <class T>
  T keep(std::string_view name, Result<T> parsed) {
    if (parsed.has_value()) return parsed.value();
    fail(name, parsed.error().message);
    return T{};
  }

  template <class T, class Parse>
  std::optional<T> parsed_or_null(std::string_view name, Parse parse) {
    const auto text = text_or_null(name);
    if (!text) return std::nullopt;
    return keep<T>(name, parse(*text));
  }

  void fail(std::string_view name, std::string_view expected) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\" is missing or not {}", name, expected);
  }

  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void read_option(const ReadingOption& option, std::string_view path, const json::value* value,
                   ReadingOptions& into) {
    if (value == nullptr) return fail(path, "there");
    const auto read = option.from_json(*value, into);
    if (read.has_error()) fail(path, read.error().message);
  }
  const json::value* find(std::string_view name) { return object_.if_contains({name.data(), name.size()}); }
  bool is_null(std::string_view name) {
    const json::value* value = find(name);
    return value != nullptr && value->is_null();
  }

  const json::object& object_;
  std::string problem_;
};

void read_reading(MemberReader& members, UploadReading& reading) {
  members.options(reading);
  reading.key_column = members.text("key_column");
  reading.delimiter_given = members.flag("delimiter_given");
  reading.encoding_given = members.parsed_or_null<csv::Encoding>("encoding_given", csv::parse_encoding);
  reading.skip_lines_given = reading.options.skip_lines;
  if (members.has("skip_lines_given")) {
    reading.skip_lines_given =
        members.keep("skip_lines_given", csv::parse_skip_lines(members.text("skip_lines_given")));
  }
  reading.delimiter_declared = members.has("delimiter_declared") && members.flag("delimiter_declared");
  reading.trailing_delimiter = members.has("trailing_delimiter") && members.flag("trailing_delimiter");
  reading.options.rules = static_cast<int>(members.number("rules"));
  reading.rekey = members.flag("rekey");
  reading.columns = members.texts("columns");
  reading.tracked = members.texts("tracked");
}

Result<UploadRecord> record_of(const json::object& object) {
  MemberReader members(object);
  UploadRecord record;
  record.upload_id = members.keep("upload_id", UploadId::parse(members.text("upload_id")));
  const auto company = members.text("company_id");
  record.table = members.keep("company_id", TableRef::make(company, members.text("table_name")));
  record.version = members.version_or_null("version");
  record.previous_upload_id = members.parsed_or_null<UploadId>("previous_upload_id", UploadId::parse);
  record.file.sha256 = members.keep("sha256", Sha256::parse(members.text("sha256")));
  record.file.bytes = members.number("bytes");
  record.file.file_id = members.text("file_id");
  record.file.original_name = members.text("original_name");
  record.file.archive_name = members.text("archive_name");
  record.file.source = members.source("source");
  record.times.received_at = members.keep("received_at", Timestamp::parse(members.text("received_at")));
  record.times.timestamp = members.parsed_or_null<Timestamp>("timestamp", Timestamp::parse);
  record.times.effective_at = members.parsed_or_null<Timestamp>("effective_at", Timestamp::parse);
  read_reading(members, record.reading);
  record.outcome.counts.rows_before = members.number("rows_before");
  record.outcome.counts.rows = members.number("rows");
  record.outcome.counts.inserted = members.number("inserted");
  record.outcome.counts.updated = members.number("updated");
  record.outcome.counts.deleted = members.number("deleted");
  record.outcome.schema_changes = members.schema_changes("schema_changes");
  record.outcome.hold_reasons = members.texts("hold_reasons");
  record.outcome.warnings = members.texts("warnings");
  record.outcome.skipped = members.skipped("skipped");
  record.dry_run = members.flag("dry_run");
  record.based_on = members.version_or_null("based_on");
  if (members.has("reverts_to")) record.reverts_to = members.version_or_null("reverts_to");
  if (members.has("archive_id")) {
    record.archive_id = members.parsed_or_null<ArchiveId>("archive_id", ArchiveId::parse);
  }
  if (members.problem().empty()) return record;
  return Error{ErrorCode::corrupt, "bad-record",
               fmt::format("an upload's record is damaged: {}", members.problem()),
               "restore catalog.db from a backup, or run `deltadrop rebuild catalog`"};
}

/// Returns null if the text is not a JSON object.
json::value parse_object(std::string_view text) {
  boost::system::error_code failed;
  auto value = json::parse({text.data(), text.size()}, failed);
  if (failed || !value.is_object()) return nullptr;
  return value;
}

std::string checksum_of(const json::object& without_checksum) {
  return io::sha256_of(json::serialize(without_checksum)).to_hex();
}

Error damaged(const std::filesystem::path& path, std::string_view reason) {
  return {ErrorCode::corrupt, "damaged-manifest",
          fmt::format("the manifest {} is damaged: {}", path.string(), reason),
          "put it back from a backup of the archive; or put the catalog.db back that knows this version, "
          "from which "
          "`deltadrop rebuild catalog` writes it again"};
}

}  // namespace

std::string record_to_json(const UploadRecord& record) { return json::serialize(object_of(record)); }

Result<UploadRecord> record_from_json(std::string_view text) {
  const auto value = parse_object(text);
  return record_of(value.is_object() ? value.get_object() : json::object());
}

std::string manifest_text(const UploadRecord& record) {
  json::object object;
  object["format"] = kManifestFormat;
  for (const auto& member : object_of(record)) object.insert(member);
  object["checksum"] = checksum_of(object);
  std::string text = "{";
  for (const auto& [name, value] : object) {
    text += fmt::format("{}\n  {}: {}", text.size() > 1 ? "," : "", json::serialize(json::value(name)),
                        json::serialize(value));
  }
  return text + "\n}\n";
}

Result<UploadRecord> read_manifest(std::string_view text, const std::filesystem::path& path) {
  auto value = parse_object(text);
  if (!value.is_object()) return damaged(path, "it is not a JSON object");
  json::object& object = value.get_object();
  const json::value* format = object.if_contains("format");
  if (format == nullptr || *format != json::value(kManifestFormat)) {
    return damaged(path, fmt::format("its format is not {}", kManifestFormat));
  }
  const json::value* checksum = object.if_contains("checksum");
  if (checksum == nullptr || !checksum->is_string()) return damaged(path, "it has no checksum");
  const std::string expected(checksum->get_string());
  // erase() would move the last member into the gap.
  object.stable_erase("checksum");
  if (checksum_of(object) != expected) return damaged(path, "its checksum does not fit");
  auto record = record_of(object);
  if (!record.has_value()) return damaged(path, record.error().message);
  return record;
}

}  // namespace deltadrop::ingest
