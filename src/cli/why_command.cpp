#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_requests.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"

namespace deltadrop::cli {
namespace {

using Value = std::optional<std::string>;
using Values = std::vector<std::pair<std::string, Value>>;

struct Wanted {
  std::string company;
  std::string table;
  std::string key;
  std::string column;  ///< "": all columns
  ListFormat format = ListFormat::text;
};

/// The change of one value.
struct Change {
  std::string column;
  Value before;
  Value after;
};

Values values_of(simdjson::dom::element entry) {
  Values values;
  simdjson::dom::object object;
  if (entry["values"].get(object) != simdjson::SUCCESS) return values;
  for (const auto& [name, value] : object) {
    std::string_view text;
    const bool there = value.get(text) == simdjson::SUCCESS;
    values.emplace_back(name, there ? Value(text) : std::nullopt);
  }
  return values;
}

Value value_in(const Values& values, const std::string& column) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const auto& each) { return each.first == column; });
  return found == values.end() ? std::nullopt : found->second;
}

/// Returns the changes in the order of the newer row's columns, then of the removed ones.
std::vector<Change> changes_between(const Values& before, const Values& after) {
  std::vector<Change> changes;
  const auto add = [&](const std::string& column) {
    auto old = value_in(before, column);
    auto now = value_in(after, column);
    if (old != now) changes.push_back({column, std::move(old), std::move(now)});
  };
  for (const auto& [column, value] : after) add(column);
  for (const auto& [column, value] : before) {
    const bool seen =
        std::any_of(after.begin(), after.end(), [&](const auto& each) { return each.first == column; });
    if (!seen) add(column);
  }
  return changes;
}

/// Prints the changes of a key, oldest first, as they are read.
class Story {
 public:
  explicit Story(const Wanted& wanted)
      : wanted_(wanted),
        listing_(wanted.format == ListFormat::json ? ListFormat::text : wanted.format,
                 {"when", "change", "column", "old", "new", "version", "file_id", "line", "upload_id"}) {}

  void add(simdjson::dom::element entry) {
    ++entries_;
    auto after = values_of(entry);
    for (const auto& [column, value] : after) column_known_ = column_known_ || column == wanted_.column;
    for (const auto& change : changes_between(before_, after)) {
      if (wanted_.column.empty() || change.column == wanted_.column) tell(entry, change);
    }
    before_ = std::move(after);
  }

  Result<void> end() {
    const auto key = quoted_for_message(wanted_.key);
    if (entries_ == 0) {
      return Error{ErrorCode::not_found, "no-such-key",
                   fmt::format("{}/{} never had a row of key {}", wanted_.company, wanted_.table, key),
                   "see `deltadrop records` for the keys there are"};
    }
    if (!wanted_.column.empty() && !column_known_) {
      return Error{
          ErrorCode::not_found, "no-such-column",
          fmt::format("the row of key {} never had a column {}", key, quoted_for_message(wanted_.column)),
          "leave the column out to see all"};
    }
    if (wanted_.format == ListFormat::json) return success();
    return listing_.end();
  }

 private:
  void tell(simdjson::dom::element entry, const Change& change) {
    const auto field = [&](std::string_view name) { return text_of(entry, name); };
    if (wanted_.format == ListFormat::json) {
      std::string json = "{";
      for (const auto* name :
           {"valid_from", "timestamp", "event_type", "version", "file_id", "line", "upload_id", "event_id"}) {
        json += fmt::format("\"{}\":{},", name, simdjson::minify(entry[name].value()));
      }
      append_field(json, "column", change.column);
      append_field(json += ',', "old", change.before);
      append_field(json += ',', "new", change.after);
      fmt::print("{}}}\n", json);
      return;
    }
    listing_.add({field("valid_from"), field("event_type"), change.column, shown(change.before),
                  shown(change.after), field("version"), field("file_id"), field("line"),
                  field("upload_id")});
  }

  static void append_field(std::string& json, std::string_view name, const Value& value) {
    append_json_string(json, name);
    json += ':';
    value ? append_json_string(json, *value) : static_cast<void>(json += "null");
  }

  /// Returns the text of a value. Null is the word "nothing" for people and empty in CSV.
  [[nodiscard]] std::string shown(const Value& value) const {
    if (wanted_.format == ListFormat::csv) return value.value_or("");
    return value ? quoted_for_message(*value) : "nothing";
  }

  const Wanted& wanted_;
  Listing listing_;
  Values before_;
  std::int64_t entries_ = 0;
  bool column_known_ = false;
};

Result<int> run(const ServerEndpoint& server, const Wanted& wanted) {
  Story story(wanted);
  const auto path = table_path(wanted.company, wanted.table, "/records/history");
  DD_TRY(get_list(server, path, {{"key", wanted.key}}, "history", kNoLimit,
                  [&](simdjson::dom::element entry) -> Result<void> {
                    story.add(entry);
                    return success();
                  }));
  DD_TRY(story.end());
  return 0;
}

}  // namespace

void add_why_command(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("why", "where a row's values come from: each change, with its file and line");
  const auto flags = add_server_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  command->add_option("COMPANY", wanted->company)->required();
  command->add_option("TABLE", wanted->table)->required();
  command->add_option("KEY", wanted->key, "the row's key; of several columns: one CSV record")->required();
  command->add_option("COLUMN", wanted->column, "of one column only");
  add_format_option(*command, wanted->format);
  command->footer(
      "`line` is the line of that version's file; of a delete, of the file before it.\n"
      "Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop why so-financials financials FIN-0002\n"
      "  deltadrop why so-financials financials FIN-0002 amount\n"
      "  deltadrop why so-financials financials FIN-0002 amount --format json | jq -r .new");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return run(server, *wanted); });
  });
}

}  // namespace deltadrop::cli
