#pragma once

#include <optional>
#include <string>

#include "api/routes.hpp"

namespace deltadrop::api {

/// Which version a list of records shows. Its records are read as of the version's own effective_at: at that
/// moment they are the same for ever, whatever is applied later, so all pages of a list, and all of a
/// download, show one version.
struct View {
  std::optional<ingest::UploadRecord> shown;  ///< none: before the first applied version
  bool complete = true;  ///< nothing accepted that belongs to the view waits to be applied
  Timestamp as_of;
  std::optional<std::string> warning;  ///< why a newer version is not shown at a time that is not in the past
};

/// What the request's `as_of` and `version` name; without them the present.
Result<View> view_asked_for(const Services& services, const TableRef& table, const http::Request& request);

}  // namespace deltadrop::api
