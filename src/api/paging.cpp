#include "api/paging.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/base64.hpp"
#include "api/parameters.hpp"
#include "core/number.hpp"
#include "core/split.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

constexpr char kFieldSeparator = '\x1f';

/// Returns the request's limit, from 1 to kPageMax, or kPageDefault if it is absent.
Result<std::int64_t> limit_of(const http::Request& request) {
  const auto text = request.query_value("limit");
  if (!text) return kPageDefault;
  const auto limit = parse_integer<std::int64_t>(*text);
  if (!limit || *limit < 1 || *limit > kPageMax) {
    return http::bad_parameter("limit", *text, fmt::format("a whole number from 1 to {}", kPageMax));
  }
  return *limit;
}

}  // namespace

Result<Page> Page::of(const http::Request& request) {
  DD_TRY(const auto limit, limit_of(request));
  return Page(limit);
}

bool Page::full() const { return left_ == 0 || items_.bytes() > kPageBytesMax; }

std::int64_t Page::to_read(std::int64_t batch_max) const { return std::min(batch_max, left_) + 1; }

void Page::add(std::string_view json) {
  items_.raw(json);
  --left_;
}

JsonObject& Page::append_to(JsonObject& object, std::string_view plural) {
  return object.raw(plural, items_.take()).text_or_null("next_cursor", next_cursor_);
}

http::Response Page::response(std::string_view plural) {
  JsonObject object;
  return json_response(append_to(object, plural).take());
}

Result<NumberedPage> NumberedPage::of(const http::Request& request, std::string_view kind) {
  DD_TRY(auto page, Page::of(request));
  DD_TRY(const auto cursor, cursor_of(request, kind, 1));
  std::int64_t first = 1;
  if (cursor) {
    DD_TRY(first, cursor_number(cursor->front(), 1));
  }
  return NumberedPage(std::move(page), kind, first);
}

bool NumberedPage::add(std::int64_t number, std::string_view json) {
  if (full()) {
    continue_at(make_cursor(kind_, {std::to_string(number)}));
    return false;
  }
  Page::add(json);
  return true;
}

std::string make_cursor(std::string_view kind, const std::vector<std::string>& fields) {
  std::string text(kind);
  for (const auto& field : fields) {
    text += kFieldSeparator;
    text += field;
  }
  return base64url(text);
}

Error bad_cursor() {
  return Error{ErrorCode::invalid_input, "bad-cursor", "the cursor is not one of this list",
               "give cursor as next_cursor of the page before, or leave it out to start again"};
}

Result<std::optional<std::vector<std::string>>> cursor_of(const http::Request& request, std::string_view kind,
                                                          std::size_t fields) {
  using Fields = std::optional<std::vector<std::string>>;
  const auto text = request.query_value("cursor");
  if (!text || text->empty()) return Fields();
  DD_TRY(auto found, parse_cursor(*text, kind, fields));
  return Fields(std::move(found));
}

Result<std::vector<std::string>> parse_cursor(std::string_view text, std::string_view kind,
                                              std::size_t fields) {
  const auto decoded = decode_base64url(text);
  if (!decoded || find_invalid_utf8(*decoded) != std::string_view::npos) return bad_cursor();
  // The last field may contain separators, because it can be a row's key.
  const auto parts = split(*decoded, kFieldSeparator, fields + 1);
  if (parts.size() != fields + 1 || parts.front() != kind) return bad_cursor();
  return std::vector<std::string>(parts.begin() + 1, parts.end());
}

Result<std::int64_t> cursor_number(const std::string& field, std::int64_t least) {
  const auto number = parse_integer<std::int64_t>(field);
  if (!number || *number < least) return bad_cursor();
  return *number;
}

}  // namespace deltadrop::api
