#include "xlsx/container.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "io/file.hpp"
#include "xlsx/workbook.hpp"

namespace deltadrop::xlsx {
namespace {

constexpr std::string_view kZip = "PK\x03\x04";
constexpr std::string_view kEmptyZip = "PK\x05\x06";
constexpr std::string_view kOle = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_zip(std::string_view start) { return start.starts_with(kZip) || start.starts_with(kEmptyZip); }

/// Returns a name in UTF-16, as in the directory of an OLE file.
std::string ole_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    out += c;
    out += '\0';
  }
  return out;
}

/// Returns true if an OLE file contains an encrypted workbook. Reads the whole file, because its directory
/// may be anywhere.
Result<bool> is_encrypted(io::File& file, const Stop& stop) {
  const std::string wanted = ole_name("EncryptedPackage");
  std::vector<std::byte> block(std::size_t{256} << 10);
  std::size_t kept = 0;
  for (;;) {
    DD_TRY(stop.check());
    DD_TRY(const auto count, file.read(std::span(block).subspan(kept)));
    if (count == 0) return false;
    const auto text = text_of(std::span(block).first(kept + count));
    if (text.find(wanted) != std::string_view::npos) return true;
    // The name may continue in the next block.
    kept = std::min(text.size(), wanted.size() - 1);
    std::copy(block.begin() + static_cast<std::ptrdiff_t>(text.size() - kept),
              block.begin() + static_cast<std::ptrdiff_t>(text.size()), block.begin());
  }
}

}  // namespace

Error not_xlsx(std::string_view what) {
  return {ErrorCode::invalid_input, "not-xlsx", fmt::format("the file is not an XLSX workbook: {}", what),
          "save it as .xlsx or as CSV and send that file"};
}

bool may_be_workbook(std::span<const std::byte> first_bytes) {
  const auto start = text_of(first_bytes);
  return is_zip(start) || start.starts_with(kOle);
}

Result<void> check_is_zip(const std::filesystem::path& workbook, const Stop& stop) {
  DD_TRY(auto file, io::File::open_to_read(workbook));
  std::array<std::byte, 8> first{};
  DD_TRY(const auto count, file.read(first));
  const auto start = text_of(std::span(first).first(count));
  if (is_zip(start)) return success();
  if (start.empty()) return not_xlsx("it is empty");
  if (!start.starts_with(kOle)) {
    return not_xlsx(fmt::format("it starts with {} instead of \"PK\"", quoted_for_message(start)));
  }
  DD_TRY(const bool encrypted, is_encrypted(file, stop));
  if (!encrypted) return not_xlsx("it is in the format of Excel 97 to 2003 (.xls) or another OLE format");
  return Error{ErrorCode::invalid_input, "workbook-encrypted", "the workbook is protected by a password",
               "save it without a password and send that file"};
}

Result<void> check_kind(Package& package) {
  // The folder of the main part identifies the Office application.
  if (package.has("xl/workbook.bin")) return not_xlsx("it is a binary workbook (.xlsb)");
  if (package.has("mimetype") && package.has("content.xml")) {
    return not_xlsx("it is an OpenDocument file (.ods)");
  }
  if (package.has("_rels/.rels")) {
    if (package.has("word/document.xml")) return not_xlsx("it is a Word document (.docx)");
    if (package.has("ppt/presentation.xml")) return not_xlsx("it is a PowerPoint presentation (.pptx)");
    return success();
  }
  return not_xlsx("it is a zip file without the part _rels/.rels");
}

}  // namespace deltadrop::xlsx
