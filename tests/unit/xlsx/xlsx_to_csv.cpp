#include <cstdio>
#include <string>

#include "core/stop.hpp"
#include "core/text.hpp"
#include "xlsx/workbook.hpp"

// xlsx_to_csv WORKBOOK [SHEET]: the CSV on standard output; on standard error, one line for each fact and
// warning, or for the error. Exits with 1 on an error.
int main(int count, char** arguments) {
  using namespace deltadrop;
  if (count < 2) return 2;
  xlsx::Options options;
  options.scratch = "/tmp";
  if (count > 2) options.sheet = arguments[2];
  const auto done = xlsx::convert_to_csv(
      arguments[1], options,
      [](std::string_view block) -> Result<void> {
        if (std::fwrite(block.data(), 1, block.size(), stdout) == block.size()) return success();
        return Error{ErrorCode::unavailable, "io-error", "cannot write to standard output", ""};
      },
      Stop());
  if (!done.has_value()) {
    std::fprintf(stderr, "error %s: %s\n", done.error().type.c_str(), done.error().text().c_str());
    return 1;
  }
  const xlsx::Conversion& conversion = done.value();
  std::fprintf(stderr, "sheet %s\n", conversion.sheet.c_str());
  for (const std::string& name : conversion.sheets) std::fprintf(stderr, "has %s\n", name.c_str());
  std::fprintf(stderr, "rows %llu\ncolumns %u\n", static_cast<unsigned long long>(conversion.rows),
               conversion.columns);
  std::fprintf(stderr, "dates %s\n", conversion.dates == xlsx::DateSystem::from_1904 ? "1904" : "1900");
  for (const auto& warning : conversion.warnings) {
    std::fprintf(stderr, "warning %s: %s\n", warning.type.c_str(), warning.message.c_str());
  }
  return 0;
}
