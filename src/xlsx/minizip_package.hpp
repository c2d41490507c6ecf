#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/stop.hpp"
#include "xlsx/expat_reader.hpp"
#include "xlsx/workbook.hpp"

namespace deltadrop::xlsx {

/// The zip file of a workbook. Its entries are the parts, with names such as "xl/workbook.xml". Names ignore
/// ASCII case. Not thread-safe.
class Package {
 public:
  /// Reads the zip's directory. `limits` must outlive this. Fails with "workbook-damaged" or
  /// "workbook-too-large".
  static Result<std::unique_ptr<Package>> open(const std::filesystem::path& path, const Limits& limits,
                                               const Stop& stop);
  Package(const Package&) = delete;
  Package& operator=(const Package&) = delete;
  virtual ~Package() = default;

  [[nodiscard]] virtual bool has(std::string_view part) const = 0;
  /// Expands a part in blocks of at most 64 KiB. Fails with "workbook-damaged", "workbook-encrypted" or
  /// "workbook-too-large", or as `sink`.
  virtual Result<void> read(std::string_view part,
                            const std::function<Result<void>(std::string_view)>& sink) = 0;
  /// The number of bytes expanded so far.
  [[nodiscard]] virtual std::uint64_t expanded_bytes() const = 0;
  /// Resets the number of expanded bytes to `bytes`, so that parts that are read twice count once.
  virtual void count_again_from(std::uint64_t bytes) = 0;

 protected:
  Package() = default;
};

}  // namespace deltadrop::xlsx
