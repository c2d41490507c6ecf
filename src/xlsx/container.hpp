#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "core/stop.hpp"
#include "xlsx/minizip_package.hpp"

namespace deltadrop::xlsx {

/// Checks that the file starts like a zip file. Fails with invalid_input, type "not-xlsx" or
/// "workbook-encrypted", and names the format that it has instead.
Result<void> check_is_zip(const std::filesystem::path& workbook, const Stop& stop);

/// Fails with type "not-xlsx" if the zip file is another kind of document: .ods, .docx, .pptx, .xlsb.
Result<void> check_kind(Package& package);

/// Returns an error of type "not-xlsx".
Error not_xlsx(std::string_view what);

}  // namespace deltadrop::xlsx
