#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

/// Range requests for parts of a file (RFC 9110 section 14).
namespace deltadrop::http {

struct Part {
  std::uint64_t first = 0;
  std::uint64_t bytes = 0;
};

enum class Selection { whole, part, nothing };

struct Selected {
  Selection selection = Selection::whole;
  Part part;  ///< the whole file, unless the selection is `part`
};

/// Evaluates a Range header for a file of `size` bytes. Selects the whole file for several ranges and for an
/// invalid header, as the RFC allows.
Selected selected_by(std::string_view range, std::uint64_t size);

/// Evaluates a request for a file with this tag. Uses Range only for GET, and only if If-Range is missing or
/// equals the tag.
Selected selected_by(const Request& request, std::string_view tag, std::uint64_t size);

}  // namespace deltadrop::http
