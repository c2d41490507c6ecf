#include "diff/row_reader.hpp"

#include <utility>

namespace deltadrop::diff {

csv::RowScanner rows_of(const csv::File& file, csv::BareQuotes* bare_quotes, csv::PassedOver* passed) {
  csv::RowScanner scanner = file.rows(bare_quotes);
  scanner.count_passed(passed);
  return scanner;
}

RowReader::RowReader(const csv::File& file, csv::CheckScope scope, csv::TextCheck text,
                     csv::FindingLog& findings, Stop stop)
    : file_(file),
      stop_(std::move(stop)),
      check_(file, scope, text, findings),
      scanner_(rows_of(file, &bare_quotes_, &passed_)) {
  if (!file.header().key.empty()) key_reader_.emplace(file.header());
}

bool RowReader::stops() {
  constexpr std::uint64_t kBytesApart = std::uint64_t{1} << 20;
  if (stop_.requested()) return true;
  ask_at_ = scanner_.offset() + kBytesApart;
  return false;
}

bool RowReader::accept() {
  if (!check_.accept(row_) || !key_reader_) return false;
  key_ = key_reader_->read(row_.bytes);
  return check_.accept_key(row_, key_, key_reader_->last_was_empty());
}

void RowReader::go_to(std::uint64_t offset, Line line, std::int64_t records) {
  scanner_ = file_.rows_from(offset, line);
  scanner_.count_passed(&passed_);
  scanner_.count_bare_quotes(&bare_quotes_);
  records_ = records;
}

}  // namespace deltadrop::diff
