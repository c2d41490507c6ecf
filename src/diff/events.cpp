#include <memory>
#include <string>

#include "core/assert.hpp"
#include "core/json_text.hpp"
#include "csv/key_reader.hpp"
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
        splitter_(file.header().delimiter),
        key_column_(file.header().key_column()) {
    for (const auto column : file.header().tracked) {
      std::string name = names_.empty() ? "{" : ",";
      append_json_string(name, file.header().columns[column]);
      names_.push_back(name + ":");
    }
  }

  [[nodiscard]] std::string_view bytes(const RowRef& row) const {
    return file_.text().substr(row.offset, row.length);
  }
  [[nodiscard]] std::string_view key_column() const { return key_column_; }
  /// Valid until the next call.
  std::string_view key(const RowRef& row) { return key_reader_.read(bytes(row)); }
  /// Valid until the next call.
  std::string_view values_json(const RowRef& row) {
    const std::string_view record = bytes(row);
    const auto& values = splitter_.split(record);
    const bool empty_is_null = file_.options().empty == csv::EmptyPolicy::null;
    // Most rows have nothing to escape: one look at the whole row tells, instead of one at each value.
    const bool plain = !needs_json_escape(record.substr(0, record.find_last_not_of("\r\n") + 1));
    json_.clear();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      json_ += names_[i];
      const auto value = values[file_.header().tracked[i]];
      if (value.empty() && empty_is_null) {
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
  DD_ASSERT(first.value >= 1);
  for (auto i = static_cast<std::size_t>(first.value - 1); i < changes.changes.size(); ++i) {
    const Change& change = changes.changes[i];
    DD_ASSERT(change.type == ChangeType::insert || old_rows != nullptr);
    EventView event{change.type,      {}, {}, {}, {}, nullptr, Seq(static_cast<std::int64_t>(i) + 1),
                    change.after.line};
    if (change.type != ChangeType::insert) event.old_values_json = old_rows->values_json(change.before);
    if (change.type != ChangeType::remove) {
      event.new_values_json = new_rows.values_json(change.after);
      event.key_column = new_rows.key_column();
      event.key_value = new_rows.key(change.after);
    } else {
      event.key_column = old_rows->key_column();
      event.key_value = old_rows->key(change.before);
      event.line = change.before.line;
    }
    if (change.type == ChangeType::update) {
      comparison->changed_columns(old_rows->bytes(change.before), new_rows.bytes(change.after), changed);
      event.changed_columns = &changed;
    }
    DD_TRY(const bool goes_on, use(event));
    if (!goes_on) break;
  }
  if (before != nullptr) {
    DD_TRY(before->check_unchanged());
  }
  return after.check_unchanged();
}

}  // namespace deltadrop::diff
