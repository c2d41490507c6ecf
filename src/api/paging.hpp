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

/// Pages of lists and their cursors.
namespace deltadrop::api {

inline constexpr std::int64_t kPageDefault = 100;
inline constexpr std::int64_t kPageMax = 1000;
/// The size in bytes at which a page ends early. A response is therefore never as large as 1000 of the
/// largest events.
inline constexpr std::size_t kPageBytesMax = std::size_t{8} << 20;

/// One page of a list: its items, and the cursor of the next page if there is one.
class Page {
 public:
  /// Returns an empty page for the request's `limit`. Fails if the limit is not a number from 1 to kPageMax.
  static Result<Page> of(const http::Request& request);

  [[nodiscard]] std::int64_t limit() const { return limit_; }
  [[nodiscard]] bool full() const;
  /// Returns the number of items to read next: the items that still fit, at most `batch_max`, plus one that
  /// shows whether there is a next page.
  [[nodiscard]] std::int64_t to_read(std::int64_t batch_max = kPageMax) const;
  /// Adds an item, which must be a complete JSON value.
  void add(std::string_view json);
  /// Records that there is a next page, which `cursor` identifies.
  void continue_at(std::string cursor) { next_cursor_ = std::move(cursor); }
  [[nodiscard]] bool has_next() const { return next_cursor_.has_value(); }

  /// Appends the members "<plural>": [...] and "next_cursor": ... to `object`, and empties the page.
  JsonObject& append_to(JsonObject& object, std::string_view plural);
  /// Returns {"<plural>": [...], "next_cursor": ...}.
  http::Response response(std::string_view plural);

 private:
  explicit Page(std::int64_t limit) : limit_(limit), left_(limit) {}

  std::int64_t limit_;
  std::int64_t left_;  ///< number of items that still fit
  JsonArray items_;
  std::optional<std::string> next_cursor_;
};

/// A page of items with numbers from 1. Its cursor is the number of the next page's first item.
class NumberedPage : public Page {
 public:
  /// Returns an empty page that starts at the request's cursor. `kind` is the kind of the list's cursors (see
  /// make_cursor) and must outlive the page.
  static Result<NumberedPage> of(const http::Request& request, std::string_view kind);

  /// Returns the number of the page's first item.
  [[nodiscard]] std::int64_t first() const { return first_; }
  /// Adds the item. Returns false if the page is full; the next page then begins with this item.
  bool add(std::int64_t number, std::string_view json);

 private:
  NumberedPage(Page page, std::string_view kind, std::int64_t first)
      : Page(std::move(page)), kind_(kind), first_(first) {}

  std::string_view kind_;
  std::int64_t first_;
};

/// Returns a cursor, which is opaque to clients: the kind and the fields in base64url. The kind prevents a
/// cursor of one list from being used with another.
std::string make_cursor(std::string_view kind, const std::vector<std::string>& fields);

/// Returns the fields of a cursor. Fails with "bad-cursor" unless the cursor has this kind and this many
/// fields. The last field may contain any character.
Result<std::vector<std::string>> parse_cursor(std::string_view text, std::string_view kind,
                                              std::size_t fields);

/// Returns the fields of the request's cursor, or nothing if the request has none. Fails as parse_cursor
/// does.
Result<std::optional<std::vector<std::string>>> cursor_of(const http::Request& request, std::string_view kind,
                                                          std::size_t fields);

/// Parses a number that was passed to make_cursor. Fails with "bad-cursor" if the field is not a number of at
/// least `least`.
Result<std::int64_t> cursor_number(const std::string& field,
                                   std::int64_t least = std::numeric_limits<std::int64_t>::min());

Error bad_cursor();

}  // namespace deltadrop::api
