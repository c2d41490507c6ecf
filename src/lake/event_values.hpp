#pragma once

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/text.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::lake {

enum class Side : std::uint8_t { old_values, new_values };
inline constexpr std::array kSides = {Side::old_values, Side::new_values};

/// Returns the error of an event that contradicts its upload: corrupt, type "lake-event".
Error bad_event(const Event& event, std::string_view problem);

/// Reads the values of a table's events one by one. Not thread-safe.
class EventValues {
 public:
  /// Calls `use(column, text)` for each non-null value of one side of `event`; `column` is an index into
  /// `columns`. The caller passes the same columns each time. Fails with `bad_event` if the values are not a
  /// JSON object of texts and nulls, or name a column twice or an unknown one. Also fails if `use` fails.
  template <class Use>
  Result<void> read(const Event& event, Side side, const TableColumns& columns, Use use);

 private:
  /// The state of one side that is kept between events.
  struct Memory {
    std::vector<std::size_t> order;   ///< by position in the object: the last column there
    std::vector<std::uint64_t> seen;  ///< by column: the number of the last object with it
    std::uint64_t object_no = 0;
  };

  Result<simdjson::ondemand::object> object_of(const Event& event, std::string_view values);
  static Result<std::size_t> column_at(const Event& event, const TableColumns& columns, Memory& memory,
                                       std::size_t place, std::string_view name);

  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  std::string padded_;
  std::array<Memory, kSides.size()> memories_;
};

template <class Use>
Result<void> EventValues::read(const Event& event, Side side, const TableColumns& columns, Use use) {
  const std::string_view values = side == Side::old_values ? event.old_values_json : event.new_values_json;
  if (values.empty()) return success();
  auto& memory = memories_[static_cast<std::size_t>(side)];
  memory.seen.resize(columns.all().size());
  ++memory.object_no;
  DD_TRY(auto object, object_of(event, values));
  std::size_t place = 0;
  for (auto field : object) {
    std::string_view name;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) {
      return bad_event(event, "has values that are cut off");
    }
    DD_TRY(const auto index, column_at(event, columns, memory, place++, name));
    auto value = field.value();
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) continue;
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return bad_event(event, "has not one text or null in column " + quoted_for_message(name));
    }
    DD_TRY(use(index, text));
  }
  return success();
}

}  // namespace deltadrop::lake
