#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"
#include "xlsx/workbook.hpp"

namespace deltadrop::xlsx::testing {

/// One entry of a zip file.
struct ZipPart {
  std::string name;
  std::string bytes;
};

/// How the zip file is written.
struct ZipForm {
  bool stored = false;
  bool zip64 = false;
};

void write_zip(const std::filesystem::path& path, const std::vector<ZipPart>& parts, ZipForm form = {});

/// A workbook of one sheet, "Data", that tests change part by part.
class SampleWorkbook {
 public:
  SampleWorkbook();

  /// Replaces a part, or adds it.
  SampleWorkbook& set(std::string_view part, std::string_view bytes);
  SampleWorkbook& remove(std::string_view part);
  /// The rows of "Data", and what follows them in the part.
  SampleWorkbook& rows(std::string_view xml, std::string_view after = "");
  /// <si> elements.
  SampleWorkbook& strings(std::string_view xml);
  /// Style n has the n-th of these format codes; style 0 comes first.
  SampleWorkbook& formats(const std::vector<std::string>& codes);
  SampleWorkbook& from_1904();

  [[nodiscard]] const std::vector<ZipPart>& parts() const { return parts_; }
  /// Writes it to the folder and returns its path.
  [[nodiscard]] std::filesystem::path write(ZipForm form = {}) const;

  /// Options whose scratch folder exists.
  [[nodiscard]] Options options() const;
  /// "type: message" if it fails.
  [[nodiscard]] std::string csv(const Options& options, ZipForm form = {}) const;
  [[nodiscard]] std::string csv() const { return csv(options()); }
  [[nodiscard]] Conversion convert(const Options& options) const;
  [[nodiscard]] Conversion convert() const { return convert(options()); }

 private:
  ::deltadrop::testing::TemporaryFolder folder_;
  std::vector<ZipPart> parts_;
};

/// The CSV of any file, or "type: message".
std::string csv_of(const std::filesystem::path& path, const Options& options);

}  // namespace deltadrop::xlsx::testing
