#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace deltadrop::http {

/// Removes the server's own paths from responses: "/srv/data/archive/x.csv" becomes "DATA_DIR/archive/x.csv",
/// which identifies the file for the operator and reveals nothing about the machine. Errors contain full
/// paths, for the log and the terminal. All responses pass through here.
class HiddenPaths {
 public:
  HiddenPaths() = default;
  /// `named` contains paths and the names of their settings. Empty paths are ignored.
  explicit HiddenPaths(const std::vector<std::pair<std::string, std::filesystem::path>>& named);

  /// Hides the paths in a response that contains errors: problem+json, or one marked `tells_errors`. Returns
  /// whether it changed.
  bool hide_in(Response& response) const;
  /// Hides the paths in JSON text.
  [[nodiscard]] std::string without(std::string_view json) const;

 private:
  struct Hidden {
    std::string text;  ///< as it appears in a JSON string
    std::string name;
  };
  std::vector<Hidden> hidden_;  ///< the longest first, since PARQUET_DIR may be in DATA_DIR
};

}  // namespace deltadrop::http
