#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/assert.hpp"
#include "core/json_text.hpp"
#include "csv/key_reader.hpp"
#include "diff/change_reader.hpp"
#include "diff/changes.hpp"
#include "diff/comparison.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {
namespace {

/// Renders one file's rows as the JSON objects of events.
class RowRenderer {
 public:
  explicit RowRenderer(const csv::File& file)
      : file_(file),
        key_reader_(file.header()),
        splitter_(file.header().delimiter, file.header().columns.size(), file.options().empty),
        key_column_(file.header().key_column()) {
    for (const auto column : file.header().tracked) {
      std::string name = names_.empty() ? "{" : ",";
      append_json_string(name, file.header().columns[column]);
      names_.push_back(name + ":");
    }
  }

  [[nodiscard]] std::string_view bytes(const RowRef& row) const { return row.in(file_.text()); }
  [[nodiscard]] std::string_view key_column() const { return key_column_; }
  /// Valid until the next call.
  std::string_view key(const RowRef& row) { return key_reader_.read(bytes(row)); }
  /// Valid until the next call.
  std::string_view values_json(const RowRef& row) {
    const std::string_view record = bytes(row);
    const auto& values = splitter_.split(record);
    const csv::EmptyPolicy empty = file_.options().empty;
    // Most rows have nothing to escape. One check of the whole row replaces a check of each value.
    const bool plain = !needs_json_escape(record.substr(0, record.find_last_not_of("\r\n") + 1));
    json_.clear();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      json_ += names_[i];
      const auto value = values[file_.header().tracked[i]];
      if (csv::is_null(value, empty)) {
        json_ += "null";
      } else if (plain) {
        json_ += '"';
        json_ += value;
        json_ += '"';
      } else {
        append_json_string(json_, value);
      }
    }
    json_ += '}';
    return json_;
  }

 private:
  const csv::File& file_;
  csv::KeyReader key_reader_;
  csv::RowSplitter splitter_;
  std::string key_column_;
  std::vector<std::string> names_;  ///< `{"first":`, `,"second":`, ...
  std::string json_;
};

/// Returns the error for a row whose bytes have changed, perhaps without a change of the file's size.
Error not_read_again(Seq seq) {
  return Error{ErrorCode::unavailable, "file-changed",
               fmt::format("the row of change {} cannot be read again: its file was changed", seq.value),
               "wait until it is written, or work on a copy"};
}

}  // namespace

Result<void> for_each_event(const csv::File* before, const csv::File& after, const ChangeSet& changes,
                            Seq first, const std::function<Result<bool>(const EventView&)>& use) {
  std::unique_ptr<RowRenderer> old_rows;
  std::unique_ptr<Comparison> comparison;
  if (before != nullptr) {
    old_rows = std::make_unique<RowRenderer>(*before);
    comparison = std::make_unique<Comparison>(*before, after);
  }
  RowRenderer new_rows(after);
  std::vector<std::string_view> changed;
  ChangeReader reader(before, after, changes, first);
  bool goes_on = true;
  while (goes_on && reader.next()) {
    const Change& change = reader.change();
    const ChangeType type = change.type();
    DD_ASSERT(type == ChangeType::insert || old_rows != nullptr);
    EventView event{type, {}, {}, {}, {}, nullptr, reader.seq(), change.after.line()};
    if (type != ChangeType::insert) event.old_values_json = old_rows->values_json(change.before);
    if (type != ChangeType::remove) {
      event.new_values_json = new_rows.values_json(change.after);
      event.key_column = new_rows.key_column();
      event.key_value = new_rows.key(change.after);
    } else {
      event.key_column = old_rows->key_column();
      event.key_value = old_rows->key(change.before);
      event.line = change.before.line();
    }
    if (type == ChangeType::update) {
      comparison->changed_columns(old_rows->bytes(change.before), new_rows.bytes(change.after), changed);
      event.changed_columns = &changed;
    }
    DD_TRY(goes_on, use(event));
  }
  DD_TRY(check_unchanged(before, after));
  if (goes_on && !reader.is_at_end()) return not_read_again(reader.seq().next());
  return success();
}

}  // namespace deltadrop::diff
