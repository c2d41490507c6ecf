#include "api/table_condition.hpp"

#include <optional>

#include "http/preconditions.hpp"

namespace deltadrop::api {
namespace {

/// A tag that is not a SHA-256 names no file, so that it matches nothing.
std::optional<ingest::FileSet> files_of(const std::optional<http::EntityTags>& tags) {
  if (!tags) return std::nullopt;
  ingest::FileSet files{tags->any, {}};
  for (const auto& tag : tags->opaque) {
    const auto parsed = Sha256::parse(tag);
    if (parsed.has_value()) files.sha256s.push_back(parsed.value());
  }
  return files;
}

}  // namespace

ingest::Precondition precondition_of(const http::Request& request) {
  return {files_of(http::if_match(request)), files_of(http::if_none_match(request))};
}

}  // namespace deltadrop::api
