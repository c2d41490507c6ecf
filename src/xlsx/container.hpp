#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "core/stop.hpp"
#include "xlsx/minizip_package.hpp"

namespace deltadrop::xlsx {

/// Fails unless the file starts as a zip file does: "not-xlsx" or "workbook-encrypted", with what it is
/// instead.
Result<void> check_is_zip(const std::filesystem::path& workbook, const Stop& stop);

/// Fails with "not-xlsx" for a zip file that is a document of another kind: .ods, .docx, .pptx, .xlsb.
Result<void> check_kind(Package& package);

/// "not-xlsx"
Error not_xlsx(std::string_view what);

}  // namespace deltadrop::xlsx
