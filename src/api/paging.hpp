#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_writer.hpp"
#include "http/message.hpp"

/// The pages that lists come in.
namespace deltadrop::api {

inline constexpr std::int64_t kPageDefault = 100;
inline constexpr std::int64_t kPageMax = 1000;
/// A page ends early when it has this many bytes, so that a response is never as large as 1000 of the largest
/// events.
inline constexpr std::size_t kPageBytesMax = std::size_t{8} << 20;

/// One page: the items so far, and the cursor of the next page if there is one.
class Page {
 public:
  /// An empty page of the request's `limit`.
  static Result<Page> of(const http::Request& request);

  [[nodiscard]] std::int64_t limit() const { return limit_; }
  [[nodiscard]] bool full() const;
  /// How many items to read next: those that still fit, at most `batch_max`, and one more, which tells
  /// whether there is a next page.
  [[nodiscard]] std::int64_t to_read(std::int64_t batch_max = kPageMax) const;
  /// Adds an item, which is a whole JSON value.
  void add(std::string_view json);
  /// There is a next page: `cursor` leads to it.
  void continue_at(std::string cursor) { next_cursor_ = std::move(cursor); }
  [[nodiscard]] bool has_next() const { return next_cursor_.has_value(); }

  /// Appends the members "<plural>": [...] and "next_cursor": ... and empties the page.
  JsonObject& append_to(JsonObject& object, std::string_view plural);
  /// {"<plural>": [...], "next_cursor": ...}
  http::Response response(std::string_view plural);

 private:
  explicit Page(std::int64_t limit) : limit_(limit), left_(limit) {}

  std::int64_t limit_;
  std::int64_t left_;  ///< how many items still fit
  JsonArray items_;
  std::optional<std::string> next_cursor_;
};

/// A page of items that are numbered from 1. Its cursor is the number of the next page's first item.
class NumberedPage : public Page {
 public:
  /// `kind` is that of the list's cursors (see make_cursor) and outlives the page.
  static Result<NumberedPage> of(const http::Request& request, std::string_view kind);

  /// The number of the page's first item.
  [[nodiscard]] std::int64_t first() const { return first_; }
  /// Adds the item, or returns false if the page is full: the next page begins with this item.
  bool add(std::int64_t number, std::string_view json);

 private:
  NumberedPage(Page page, std::string_view kind, std::int64_t first)
      : Page(std::move(page)), kind_(kind), first_(first) {}

  std::string_view kind_;
  std::int64_t first_;
};

/// Cursors are opaque to clients: a kind (so that one list's cursor is refused by another) and fields,
/// base64url.
std::string make_cursor(std::string_view kind, const std::vector<std::string>& fields);

/// The fields of a cursor; fails unless it is one of this kind with that many. The last field may hold any
/// character.
Result<std::vector<std::string>> parse_cursor(std::string_view text, std::string_view kind,
                                              std::size_t fields);

/// The request's cursor; nothing where absent. Fails unless it is one of this kind with that many fields.
Result<std::optional<std::vector<std::string>>> cursor_of(const http::Request& request, std::string_view kind,
                                                          std::size_t fields);

/// A number of at least `least` that make_cursor was given; fails on a tampered one.
Result<std::int64_t> cursor_number(const std::string& field,
                                   std::int64_t least = std::numeric_limits<std::int64_t>::min());

Error bad_cursor();

}  // namespace deltadrop::api
