#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace deltadrop::http {

/// Takes the server's own paths out of what clients are told: "/srv/data/archive/x.csv" becomes
/// "DATA_DIR/archive/x.csv", which names the file to whoever runs the server and says nothing of its machine.
/// Errors name whole paths, for the log and the terminal; this is the one place that all of them pass on
/// their way out.
class HiddenPaths {
 public:
  HiddenPaths() = default;
  /// Paths and the names of their settings. Empty paths are passed over.
  explicit HiddenPaths(const std::vector<std::pair<std::string, std::filesystem::path>>& named);

  /// In a response that tells of errors: problem+json, or one marked `tells_errors`. True when it changed.
  bool hide_in(Response& response) const;
  /// In a text of JSON.
  [[nodiscard]] std::string without(std::string_view json) const;

 private:
  struct Hidden {
    std::string text;  ///< as it is in a JSON string
    std::string name;
  };
  std::vector<Hidden> hidden_;  ///< the longest first: PARQUET_DIR may be in DATA_DIR
};

}  // namespace deltadrop::http
