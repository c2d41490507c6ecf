#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/keys.hpp"
#include "http/server.hpp"
#include "io/clock.hpp"

namespace deltadrop::access {

struct GateOptions {
  std::shared_ptr<KeyRing> keys;
  bool keys_required = false;  ///< require a key even if there are no keys
  /// Returns the company of an upload, or nothing if there is no such upload. If the function is empty, keys
  /// that are restricted to companies cannot access uploads.
  std::function<Result<std::optional<std::string>>(std::string_view upload_id)> company_of_upload;
};

/// Returns a gate that accepts a request if its key, in `Authorization: Bearer KEY` or `X-API-Key: KEY`,
/// allows it. Otherwise the response is 401 "key-needed" or 403 "not-allowed", whether or not the resource
/// exists. A route for everyone needs no key. `clock` must outlive the gate.
http::Gate make_gate(GateOptions options, io::Clock& clock);

}  // namespace deltadrop::access
