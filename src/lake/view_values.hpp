#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/declared_type.hpp"
#include "history/history_store.hpp"

namespace deltadrop::lake {

enum class Dialect : std::uint8_t { postgres, sqlite };

/// Returns `text` between `quote`s, with each `quote` in it doubled.
std::string in_quotes(std::string_view text, char quote);
std::string sql_literal(std::string_view text);

/// Returns SQL that extracts the value of `name` from a JSON object.
std::string json_value(Dialect dialect, std::string_view json, std::string_view name);

/// Returns SQL that converts a value to its lake type. `text` is SQL for the value's text, which is NULL or
/// valid for the type.
std::string plain_value(Dialect dialect, const std::string& text, ColumnType type);
/// The same for text in the notation of `declared`, which must have one.
std::string value_under(Dialect dialect, const std::string& text, ColumnType type,
                        const DeclaredType& declared);

}  // namespace deltadrop::lake
