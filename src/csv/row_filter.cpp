#include "csv/row_filter.hpp"

#include <algorithm>
#include <cstring>

#include "csv/fields.hpp"

namespace deltadrop::csv {
namespace {

bool is_space_or_tab(char c) { return c == ' ' || c == '\t'; }

}  // namespace

RowFilter::RowFilter(std::string_view header, char delimiter) : header_(header), delimiter_(delimiter) {
  for (const char c : {delimiter, ' ', '\t', '"'}) suspects_[static_cast<unsigned char>(c)] = true;
  not_rows_.looked_for = true;
  if (header_.empty()) return;
  suspects_[static_cast<unsigned char>(header_.front())] = true;
  not_rows_.header_first = header_.front();
  const std::size_t known = std::min(header_.size(), sizeof not_rows_.header_start);
  std::memcpy(&not_rows_.header_start, header_.data(), known);
  std::memset(&not_rows_.header_mask, 0xFF, known);
}

RowFilter::Kind RowFilter::kind_of(std::string_view record) const {
  if (!header_.empty() && record == header_) return Kind::header;
  return is_blank(record) ? Kind::blank : Kind::row;
}

bool RowFilter::is_blank(std::string_view record) const {
  bool quoted = false;
  for (const char c : record) {
    if (c == '"') {
      quoted = true;
    } else if (c != delimiter_ && !is_space_or_tab(c)) {
      return false;
    }
  }
  if (!quoted) return true;
  FieldCursor cursor(record, delimiter_);
  RawField field;
  while (cursor.next(field)) {
    if (!std::all_of(field.inner.begin(), field.inner.end(), is_space_or_tab)) return false;
  }
  return true;
}

}  // namespace deltadrop::csv
