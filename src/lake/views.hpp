#pragma once

#include <map>
#include <span>
#include <string>

#include "core/declared_type.hpp"
#include "history/history_reader.hpp"
#include "lake/view_values.hpp"

namespace deltadrop::lake {

/// By column, each declared type with a notation: by its text in an upload's types.
using DeclaredNotations = std::map<std::string, std::map<std::string, DeclaredType>, std::less<>>;
/// Those of any of the uploads; nothing of one whose types cannot be read.
DeclaredNotations notations_of(std::span<const history::UploadStatus> uploads);

/// SQL that makes (again) three views of a table with its columns by name, in the types that the lake has:
/// "<company>/<table>/current" and ".../history" over company_data, ".../changes" over the applied part of
/// cdc_events. docs/lake.md has their columns. Names and texts of any kind are quoted. Pure.
/// Values are read as the upload that they are of declares. `notations`: of all applied uploads.
std::string views_of(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns,
                     const DeclaredNotations& notations = {});

}  // namespace deltadrop::lake
