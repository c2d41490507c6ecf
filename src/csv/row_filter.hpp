#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/strong.hpp"
#include "csv/structure.hpp"

namespace deltadrop::csv {

/// Finds the records of a file that are not rows: blank records and repetitions of the header.
class RowFilter {
 public:
  enum class Kind : std::uint8_t {
    row,
    blank,  ///< its fields are empty or contain only spaces and tabs
    header,
  };

  /// `header` is the bytes of the header's record, or empty if the file has no header.
  RowFilter(std::string_view header, char delimiter);

  /// Returns true if a record that begins with this byte may not be a row.
  [[nodiscard]] bool suspects(char first) const { return suspects_[static_cast<unsigned char>(first)]; }
  /// Classifies a record without a fault.
  [[nodiscard]] Kind kind_of(std::string_view record) const;
  /// The filter's data for FindEqualStretch.
  [[nodiscard]] const NotRows& not_rows() const { return not_rows_; }
  [[nodiscard]] std::string_view header() const { return header_; }

 private:
  [[nodiscard]] bool is_blank(std::string_view record) const;

  std::string header_;
  char delimiter_;
  std::array<bool, 256> suspects_{};
  NotRows not_rows_;
};

/// Counts the records that row scans skip, and the rows that end with a lone CR. A record that is read again
/// counts once. A record may be read only after all earlier ones.
class PassedOver {
 public:
  void add_blank(std::uint64_t offset) {
    if (is_new(offset)) ++blank_;
  }
  void add_header(std::uint64_t offset) {
    if (is_new(offset)) ++header_;
  }
  /// `offset` is the offset of the CR, which ends line `line`.
  void add_lone_return(std::uint64_t offset, Line line) {
    if (offset < returns_seen_to_) return;
    returns_seen_to_ = offset + 1;
    if (lone_returns_++ == 0) first_lone_return_ = line;
  }

  [[nodiscard]] std::int64_t blank() const { return blank_; }
  [[nodiscard]] std::int64_t header() const { return header_; }
  [[nodiscard]] std::int64_t lone_returns() const { return lone_returns_; }
  [[nodiscard]] Line first_lone_return() const { return first_lone_return_; }

 private:
  bool is_new(std::uint64_t offset) {
    if (offset < seen_to_) return false;
    seen_to_ = offset + 1;
    return true;
  }

  std::uint64_t seen_to_ = 0;
  std::uint64_t returns_seen_to_ = 0;
  std::int64_t blank_ = 0;
  std::int64_t header_ = 0;
  std::int64_t lone_returns_ = 0;
  Line first_lone_return_{1};
};

}  // namespace deltadrop::csv
