#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "history/history_reader.hpp"

namespace deltadrop::lake {

enum class Dialect : std::uint8_t { postgres, sqlite };

/// SQL that makes (again) three views of a table with its columns by name, in the types that the lake has:
/// "<company>/<table>/current" and ".../history" over company_data, ".../changes" over the applied part of
/// cdc_events. docs/lake.md has their columns. Names and texts of any kind are quoted. Pure.
std::string views_of(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns);

}  // namespace deltadrop::lake
