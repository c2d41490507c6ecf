#include "csv/scan.hpp"

#include <cstring>

#include "csv/row_filter.hpp"
#include "csv/structure.hpp"

namespace deltadrop::csv {
RowScanner::RowScanner(std::string_view text, char delimiter) : RowScanner(text, delimiter, 0, Line(1)) {}

RowScanner::RowScanner(std::string_view text, char delimiter, std::uint64_t offset, Line line)
    : begin_(text.data()),
      at_(text.data() + offset),
      end_(text.data() + text.size()),
      line_(line.value),
      find_stop_(structural_scan().find_stop),
      find_record_end_(structural_scan().find_record_end),
      delimiter_(delimiter) {}

void RowScanner::take_line_end() {
  if (*at_ == '\r') {
    if (at_ + 1 < end_ && at_[1] == '\n') {
      ++at_;
    } else if (passed_ != nullptr) {
      passed_->add_lone_return(offset(), Line(line_));
    }
  }
  ++at_;
  ++line_;
}

void RowScanner::skip_empty_lines() {
  while (at_ < end_ && (*at_ == '\n' || *at_ == '\r')) {
    if (passed_ != nullptr) passed_->add_blank(offset());
    take_line_end();
  }
}

/// Starts at an opening quote and stops after the closing quote or at the end of the text.
void RowScanner::scan_quoted(Row& row) {
  const char* const start = at_++;
  while (true) {
    const auto* quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
    if (quote == nullptr) {
      at_ = end_;
      row.fault = RowFault::unclosed_quote;
      row.fault_at = static_cast<std::size_t>(start - row.bytes.data());
      return;
    }
    at_ = quote + 1;
    if (at_ == end_ || *at_ != '"') break;
    ++at_;
  }
  line_ += static_cast<std::int64_t>(
      structural_scan().count_line_ends({start, static_cast<std::size_t>(at_ - start)}));
  const bool field_ends = at_ == end_ || *at_ == delimiter_ || *at_ == '\n' || *at_ == '\r';
  if (!field_ends && row.fault == RowFault::none) {
    row.fault = RowFault::text_after_quote;
    row.fault_at = static_cast<std::size_t>(at_ - row.bytes.data());
  }
}

void RowScanner::scan_row_with_quotes(Row& row) {
  const char* const start = row.bytes.data();
  if (const RecordEnd found = find_record_end_(start, end_, delimiter_); found.at != nullptr) {
    at_ = found.at;
    row.fields = found.delimiters + 1;
    line_ += static_cast<std::int64_t>(found.line_ends);
    return;
  }
  // One of the quotes is bare or a fault.
  while (at_ < end_ && *at_ == '"') {
    if (at_ == start || at_[-1] == delimiter_) {
      scan_quoted(row);
    } else {
      if (bare_quotes_ != nullptr) {
        bare_quotes_->add(row, static_cast<std::size_t>(at_ - start), row.fields);
      }
      ++at_;
    }
    at_ = find_stop_(at_, end_, delimiter_, row.fields);
  }
}

bool RowScanner::is_passed_over(const Row& row) {
  const auto kind = row.fault == RowFault::none ? filter_->kind_of(row.bytes) : RowFilter::Kind::row;
  if (kind == RowFilter::Kind::row) return false;
  if (passed_ != nullptr) {
    if (kind == RowFilter::Kind::blank) passed_->add_blank(row.offset);
    if (kind == RowFilter::Kind::header) passed_->add_header(row.offset);
  }
  return true;
}

inline void RowScanner::read(Row& row) {
  const char* const start = at_;
  row = Row{std::string_view(start, static_cast<std::size_t>(end_ - start)),
            static_cast<std::uint64_t>(start - begin_),
            1,
            Line(line_),
            RowFault::none,
            0};
  at_ = find_stop_(at_, end_, delimiter_, row.fields);
  if (at_ < end_ && *at_ == '"') scan_row_with_quotes(row);
  row.bytes = std::string_view(start, static_cast<std::size_t>(at_ - start));
  if (at_ < end_) take_line_end();
}

bool RowScanner::next(Row& row) {
  while (true) {
    skip_empty_lines();
    if (at_ == end_) return false;
    read(row);
    if (filter_ == nullptr || !filter_->suspects(*row.bytes.data()) || !is_passed_over(row)) return true;
  }
}

}  // namespace deltadrop::csv
