#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace deltadrop::http {

/// Finds the route of a request. Immutable; may be shared by threads.
class Router {
 public:
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;         ///< null: none
    std::vector<std::string> parameters;  ///< what `{}` and `{key}` matched
    std::vector<std::string> allowed;     ///< methods of the path; empty: no such path
  };
  /// The route with the fewest parameters wins. HEAD finds GET's route.
  [[nodiscard]] Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> pattern;
  };
  std::vector<Entry> entries_;
};

/// The path as the log may show it: a `{key}` is not filled in, since keys are data.
std::string path_for_log(std::string_view pattern, const std::vector<std::string>& parameters);

}  // namespace deltadrop::http
