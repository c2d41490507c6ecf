#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/declared_type.hpp"
#include "history/history_store.hpp"

namespace deltadrop::lake {

enum class Dialect : std::uint8_t { postgres, sqlite };

/// `text` in `quote`s, those in it doubled.
std::string in_quotes(std::string_view text, char quote);
std::string sql_literal(std::string_view text);

/// SQL that takes the value of one name out of a JSON object.
std::string json_value(Dialect dialect, std::string_view json, std::string_view name);

/// SQL for a value as its lake's type has it. `text`: SQL for the value's text, which is null or of that
/// type.
std::string plain_value(Dialect dialect, const std::string& text, ColumnType type);
/// The same of a text that is written as `declared` says, which has a notation.
std::string value_under(Dialect dialect, const std::string& text, ColumnType type,
                        const DeclaredType& declared);

}  // namespace deltadrop::lake
