#pragma once

#include <map>
#include <span>
#include <string>

#include "core/declared_type.hpp"
#include "history/history_reader.hpp"
#include "lake/view_values.hpp"

namespace deltadrop::lake {

/// The declared types with a notation: by column, then by their text in an upload's types.
using DeclaredNotations = std::map<std::string, std::map<std::string, DeclaredType>, std::less<>>;
/// Returns those of all uploads. Skips uploads whose types cannot be parsed.
DeclaredNotations notations_of(std::span<const history::UploadStatus> uploads);

/// Returns SQL that creates or replaces three views of a table, with its columns by name in the lake's types:
/// "<company>/<table>/current" and ".../history" over company_data, and ".../changes" over the applied part
/// of cdc_events. docs/lake.md lists their columns. All names and texts are quoted. Each value is parsed as
/// its upload declares. `notations` are those of all applied uploads. Pure.
std::string views_of(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns,
                     const DeclaredNotations& notations = {});

}  // namespace deltadrop::lake
