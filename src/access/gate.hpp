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
  bool keys_required = false;  ///< even where there are none
  /// The company of an upload; nothing where there is none such. Empty: keys of some companies cannot ask for
  /// uploads.
  std::function<Result<std::optional<std::string>>(std::string_view upload_id)> company_of_upload;
};

/// Lets a request pass with a key that may do what it asks, in `Authorization: Bearer KEY` or `X-API-Key:
/// KEY`; 401 "key-needed", 403 "not-allowed" otherwise, alike for what exists and what does not. A route for
/// everyone needs none. `clock` outlives the gate.
http::Gate make_gate(GateOptions options, io::Clock& clock);

}  // namespace deltadrop::access
