#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

/// Parts of a file and what a client has of it already (RFC 9110 sections 13 and 14).
namespace deltadrop::http {

struct Part {
  std::uint64_t first = 0;
  std::uint64_t bytes = 0;
};

enum class Selection { whole, part, nothing };

struct Selected {
  Selection selection = Selection::whole;
  Part part;  ///< the whole file where it is not `part`
};

/// What a Range asks of a file of `size` bytes. Several ranges, and what cannot be understood, are answered
/// with the whole file, as the RFC allows.
Selected selected_by(std::string_view range, std::uint64_t size);

/// The selection of a request for a file with this tag: only a GET's Range counts, and only where If-Range,
/// if there is one, names exactly this file.
Selected selected_by(const Request& request, std::string_view tag, std::uint64_t size);

}  // namespace deltadrop::http
