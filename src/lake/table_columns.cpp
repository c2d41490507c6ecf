#include "lake/table_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/text.hpp"
#include "lake/event_values.hpp"
#include "lake/notations.hpp"

namespace deltadrop::lake {
namespace {

namespace json = simdjson::ondemand;

/// Enough to detect columns with fractions or text, and few enough to be harmless at a megabyte each.
constexpr std::int64_t kFirstEvents = 64;

constexpr auto kByName = [](const history::LakeColumn& column, std::string_view name) {
  return column.name < name;
};

/// Adds the columns of an event. All events of one type of an upload have the same columns, so the first of
/// each type suffices; EventValues refuses an event with others.
Result<void> add_names(TableColumns& columns, const Event& event) {
  std::vector<std::string> names;
  for (const auto* values : {&event.old_values_json, &event.new_values_json}) {
    if (values->empty()) continue;
    json::parser parser;
    const simdjson::padded_string padded(*values);
    json::document document;
    json::object object;
    if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      return bad_event(event, "has values that are not a JSON object");
    }
    for (auto field : object) {
      std::string_view name;
      if (field.unescaped_key().get(name) != simdjson::SUCCESS) {
        return bad_event(event, "has values that are cut off");
      }
      names.emplace_back(name);
    }
  }
  columns.add(std::move(names));
  return success();
}

Result<void> widen_by_values(TableColumns& columns, const Notations& notations,
                             const std::vector<history::AppliedEvent>& events) {
  EventValues values;
  for (const auto& [applied_no, event] : events) {
    for (const auto side : kSides) {
      DD_TRY(values.read(event, side, columns,
                         [&, &each = event](std::size_t column, std::string_view text) -> Result<void> {
                           const auto value = notations.typed(side, columns.all()[column].name, text);
                           columns.widen(column, value.type, each, text);
                           return success();
                         }));
    }
  }
  return success();
}

}  // namespace

std::span<const ChangeType> types_of(const UploadFacts& upload) {
  static_assert(kTypes.front() == ChangeType::insert);
  return std::span(kTypes).first(upload.previous_upload_id ? kTypes.size() : 1);
}

TableColumns::TableColumns(std::vector<history::LakeColumn> columns) : columns_(std::move(columns)) {
  std::sort(columns_.begin(), columns_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

std::optional<std::size_t> TableColumns::find(std::string_view name) const {
  const auto found = std::lower_bound(columns_.begin(), columns_.end(), name, kByName);
  if (found == columns_.end() || found->name != name) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

void TableColumns::add(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto known = std::ssize(columns_);
  for (auto& name : names) {
    const auto end = columns_.begin() + known;
    const auto place = std::lower_bound(columns_.begin(), end, name, kByName);
    if (place == end || place->name != name) columns_.push_back({std::move(name), ColumnType::null});
  }
  std::inplace_merge(columns_.begin(), columns_.begin() + known, columns_.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
}

void TableColumns::widen(std::size_t column, ColumnType type) {
  columns_[column].type = joined(columns_[column].type, type);
}

void TableColumns::widen(std::size_t column, ColumnType type, const Event& event, std::string_view value) {
  const auto before = columns_[column].type;
  widen(column, type);
  if (columns_[column].type == before) return;
  widenings_.insert_or_assign(columns_[column].name,
                              Widening{columns_[column].type, std::string(value), event.line});
}

const Widening* TableColumns::widening(std::string_view name) const {
  const auto found = widenings_.find(name);
  return found == widenings_.end() ? nullptr : &found->second;
}

bool alike_in_files(const TableColumns& a, const TableColumns& b) {
  return std::equal(a.all().begin(), a.all().end(), b.all().begin(), b.all().end(),
                    [](const auto& one, const auto& other) {
                      return one.name == other.name && type_in_files(one.type) == type_in_files(other.type);
                    });
}

Result<TableColumns> columns_to_begin_with(const std::vector<history::LakeColumn>& held,
                                           history::HistoryReader& history, const UploadFacts& upload) {
  TableColumns columns(held);
  std::vector<history::AppliedEvent> first;
  for (const auto type : types_of(upload)) {
    history::EventQuery query;
    query.company_id = upload.table.company_id;
    query.table_name = upload.table.table_name;
    query.upload_id = upload.upload_id;
    query.type = type;
    query.limit = kFirstEvents;
    DD_TRY(auto events, history.events(query));
    if (!events.empty()) {
      DD_TRY(add_names(columns, events.front().event));
    }
    std::move(events.begin(), events.end(), std::back_inserter(first));
  }
  DD_TRY(const auto declared, declared_texts(upload));
  for (const auto& [name, text] : declared) {
    const auto column = columns.find(name);
    // An unknown type must not stop the table.
    const auto type = DeclaredType::parse(text);
    if (column && type.has_value()) columns.widen(*column, type.value().type());
  }
  DD_TRY(const auto notations, Notations::of(history, upload));
  DD_TRY(widen_by_values(columns, notations, first));
  return columns;
}

Result<std::vector<std::string>> undeclared(const UploadFacts& upload, const TableColumns& columns) {
  std::vector<std::string> sentences;
  DD_TRY(const auto declared, declared_texts(upload));
  for (const auto& [name, type] : declared) {
    const auto column = columns.find(name);
    const auto known = DeclaredType::parse(type);
    if (!column || (known.has_value() && columns.all()[*column].type == known.value().type())) continue;
    auto sentence = fmt::format("column {} of {} is {} in the lake, not {} as types= says",
                                quoted_for_message(name), upload.table.to_string(),
                                to_string(columns.all()[*column].type), quoted_for_message(type));
    if (const auto* widening = columns.widening(name)) {
      sentence += fmt::format(": line {} of version {} has the value {}", widening->line.value,
                              upload.version.value, quoted_for_message(widening->value));
    } else if (!known.has_value()) {
      sentence += ", which is no type that is known";
    } else {
      sentence += ", since earlier values need it";
    }
    sentences.push_back(std::move(sentence));
  }
  return sentences;
}

}  // namespace deltadrop::lake
