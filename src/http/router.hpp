#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace deltadrop::http {

/// Finds the route of a request. Immutable; threads may share it.
class Router {
 public:
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;         ///< null if no route matches
    std::vector<std::string> parameters;  ///< the values of `{}` and `{key}`
    std::vector<std::string> allowed;     ///< the methods of the path; empty if there is no such path
  };
  /// The route with the fewest parameters wins. HEAD uses the route of GET.
  [[nodiscard]] Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> pattern;
  };
  std::vector<Entry> entries_;
};

/// Returns the path for the log. It does not fill in `{key}`, since keys are data.
std::string path_for_log(std::string_view pattern, const std::vector<std::string>& parameters);

}  // namespace deltadrop::http
