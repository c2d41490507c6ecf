#include "http/hidden_paths.hpp"

#include <algorithm>
#include <set>
#include <system_error>

#include "core/ascii.hpp"
#include "core/json_writer.hpp"
#include "http/problem.hpp"

namespace deltadrop::http {
namespace {

namespace fs = std::filesystem;

std::string as_in_json(const fs::path& path) {
  auto array = JsonArray().text(path.string()).take();
  constexpr std::size_t kOpening = 2;  // ["
  return array.substr(kOpening, array.size() - 2 * kOpening);
}

/// Returns the spellings of a path in JSON: as given, absolute, and without symbolic links. Omits a bare
/// relative name, which is an ordinary word and reveals nothing about the machine.
std::set<std::string> spellings_of(const fs::path& path) {
  std::error_code ignored;
  std::set<std::string> spellings;
  for (const auto& one : {path, fs::absolute(path, ignored), fs::weakly_canonical(path, ignored)}) {
    fs::path spelling = one;
    if (!spelling.has_filename()) spelling = spelling.parent_path();
    if (spelling.string().find('/') == std::string::npos || spelling == spelling.root_path()) continue;
    spellings.insert(as_in_json(spelling));
  }
  return spellings;
}

/// Returns whether a match would continue a longer path: "/api/v1/uploads" does not name the directory
/// "/uploads".
bool continues_a_path(std::string_view before) {
  if (before.empty()) return false;
  const char c = before.back();
  return is_alphanumeric(c) || c == '/' || c == '.' || c == '-' || c == '_';
}

}  // namespace

HiddenPaths::HiddenPaths(const std::vector<std::pair<std::string, fs::path>>& named) {
  for (const auto& [name, path] : named) {
    if (path.empty()) continue;
    for (const auto& text : spellings_of(path)) hidden_.push_back({text, name});
  }
  std::stable_sort(hidden_.begin(), hidden_.end(),
                   [](const Hidden& a, const Hidden& b) { return a.text.size() > b.text.size(); });
}

bool HiddenPaths::hide_in(Response& response) const {
  if (!response.tells_errors && response.content_type != kProblemType) return false;
  auto hidden = without(response.body);
  if (hidden == response.body) return false;
  response.body = std::move(hidden);
  return true;
}

std::string HiddenPaths::without(std::string_view json) const {
  std::string out(json);
  for (const auto& hidden : hidden_) {
    for (std::size_t at = 0; (at = out.find(hidden.text, at)) != std::string::npos;) {
      if (continues_a_path(std::string_view(out).substr(0, at))) {
        at += hidden.text.size();
        continue;
      }
      out.replace(at, hidden.text.size(), hidden.name);
      at += hidden.name.size();
    }
  }
  return out;
}

}  // namespace deltadrop::http
