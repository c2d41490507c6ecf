#pragma once

#include <optional>
#include <string>

#include "api/routes.hpp"

namespace deltadrop::api {

/// The version that a list of records shows. Its records are read as of the version's own effective_at. The
/// records at that moment never change, so all pages of a list or a download show the same version.
struct View {
  std::optional<ingest::UploadRecord> shown;  ///< empty before the first applied version
  bool complete = true;                       ///< false if an accepted upload of the view is not yet applied
  Timestamp as_of;
  std::optional<std::string> warning;  ///< why a newer version is not shown although as_of is not in the past
};

/// Returns the view that the request's `as_of` and `version` select, or the present if it has neither.
Result<View> view_asked_for(const Services& services, const TableRef& table, const http::Request& request);

}  // namespace deltadrop::api
