#include "csv/fields.hpp"

#include <cstring>

namespace deltadrop::csv {

void append_undoubled(std::string& out, std::string_view inner) {
  std::size_t from = 0;
  while (true) {
    const auto quote = inner.find('"', from);
    if (quote == std::string_view::npos) break;
    out.append(inner, from, quote + 1 - from);
    from = quote + 2;
  }
  out.append(inner, from);
}

/// Reads a quoted field. Starts at the opening quote and stops at the field's delimiter or the record's end.
RawField FieldCursor::take_quoted() {
  const char* const start = ++at_;
  RawField field;
  field.quoted = true;
  while (true) {
    const auto* quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
    if (quote == nullptr) {
      at_ = end_;
      field.inner = std::string_view(start, static_cast<std::size_t>(end_ - start));
      return field;
    }
    at_ = quote + 1;
    if (at_ == end_ || *at_ != '"') {
      field.inner = std::string_view(start, static_cast<std::size_t>(quote - start));
      break;
    }
    field.doubled = true;
    ++at_;
  }
  while (at_ < end_ && *at_ != delimiter_) ++at_;
  return field;
}

void FieldCursor::take_delimiter() {
  if (at_ == end_) {
    done_ = true;
  } else {
    ++at_;
  }
}

bool FieldCursor::next(RawField& field) {
  if (done_) return false;
  if (at_ < end_ && *at_ == '"') {
    field = take_quoted();
  } else {
    const char* const start = at_;
    while (at_ < end_ && *at_ != delimiter_) ++at_;
    field = RawField{std::string_view(start, static_cast<std::size_t>(at_ - start)), false, false};
  }
  take_delimiter();
  return true;
}

std::size_t find_blank_before_quote(std::string_view record, char delimiter) {
  FieldCursor cursor(record, delimiter);
  RawField field;
  while (true) {
    const std::size_t from = cursor.offset();
    if (!cursor.next(field)) return std::string_view::npos;
    const std::size_t text = field.quoted ? 0 : field.inner.find_first_not_of(" \t");
    if (text != 0 && text != std::string_view::npos && field.inner[text] == '"') return from + text;
  }
}

RowSplitter::RowSplitter(char delimiter, std::size_t values_min, EmptyPolicy empty)
    : delimiter_(delimiter),
      values_min_(values_min),
      marks_nulls_(empty == EmptyPolicy::quoted),
      find_delimiters_(structural_scan().find_delimiters),
      delimiters_(64) {}

const std::vector<std::string_view>& RowSplitter::split(std::string_view record) {
  const std::size_t count = find_delimiters_(record, delimiter_, delimiters_.data(), delimiters_.size());
  if (count == kNotPlain) {
    split_carefully(record);
    if (values_.size() > delimiters_.size()) delimiters_.resize(2 * values_.size());
  } else {
    split_plainly(record, count);
  }
  if (values_.size() < values_min_) values_.resize(values_min_);
  return values_;
}

void RowSplitter::split_plainly(std::string_view record, std::size_t delimiters) {
  values_.resize(delimiters + 1);
  std::size_t from = 0;
  for (std::size_t i = 0; i <= delimiters; ++i) {
    const std::size_t to = i < delimiters ? delimiters_[i] : record.size();
    const bool quoted = from < to && record[from] == '"';
    values_[i] = quoted ? record.substr(from + 1, to - from - 2) : record.substr(from, to - from);
    if (marks_nulls_ && from == to) values_[i] = {};
    from = to + 1;
  }
}

void RowSplitter::split_carefully(std::string_view record) {
  values_.clear();
  undoubled_.clear();
  FieldCursor cursor(record, delimiter_);
  RawField field;
  while (cursor.next(field)) {
    if (!field.doubled) {
      const bool marked = marks_nulls_ && field.inner.empty() && !field.quoted;
      values_.push_back(marked ? std::string_view() : field.inner);
      continue;
    }
    // Reserve once for the whole record, so that earlier views stay valid.
    if (undoubled_.capacity() < record.size()) undoubled_.reserve(record.size());
    const std::size_t from = undoubled_.size();
    append_undoubled(undoubled_, field.inner);
    values_.emplace_back(undoubled_.data() + from, undoubled_.size() - from);
  }
}

}  // namespace deltadrop::csv
