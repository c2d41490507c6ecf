#include "diff/whole_file.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "csv/key_reader.hpp"
#include "diff/diff.hpp"
#include "diff/key_order.hpp"
#include "diff/loose_rows.hpp"
#include "diff/row_reader.hpp"

namespace deltadrop::diff {
namespace {

class WholeFileReader {
 public:
  WholeFileReader(const csv::File& file, csv::CheckScope scope, csv::FindingLog& findings);

  void read();
  [[nodiscard]] const RowPlaces& rows() const { return rows_; }

 private:
  /// An accepted row.
  void take(const csv::Row& row, std::string_view key);
  /// Reads the rows so far again.
  void start_table();
  void add_to_table(const csv::Row& row, std::uint32_t tag);
  std::string_view stored_key(std::size_t number);

  const csv::File& file_;
  csv::CheckScope scope_;
  csv::FindingLog& findings_;
  RowReader reader_;
  RowPlaces rows_;
  KeyOrder order_;
  bool increasing_ = true;
  KeyTable table_;  ///< this and below: of accepted rows, once keys do not increase
  std::vector<RowRef> stored_;
  std::optional<csv::KeyReader> stored_key_reader_;
};

WholeFileReader::WholeFileReader(const csv::File& file, csv::CheckScope scope, csv::FindingLog& findings)
    : file_(file),
      scope_(scope),
      findings_(findings),
      reader_(file, scope, csv::TextCheck::by_stretch, findings),
      order_(file.text()) {}

std::string_view WholeFileReader::stored_key(std::size_t number) {
  return stored_key_reader_->read(stored_[number].in(file_.text()));
}

void WholeFileReader::read() {
  const std::int64_t rows_max =
      std::min(file_.limits().rows_max, static_cast<std::int64_t>(KeyTable::kNumbersMax));
  while (reader_.next()) {
    const csv::Row& row = reader_.row();
    if (reader_.records() > rows_max && scope_ == csv::CheckScope::everything) {
      return reader_.check().report_too_many_rows(row.line);
    }
    rows_.add(row);
    if (reader_.accept()) take(row, reader_.key());
    if (scope_ == csv::CheckScope::shape && findings_.findings().total > 0) return;
  }
}

void WholeFileReader::start_table() {
  increasing_ = false;
  const std::size_t expected =
      std::max(rows_.size(), std::min(estimated_rows(file_.text()), KeyTable::kNumbersMax));
  table_ = KeyTable(expected);
  stored_.reserve(expected);
  stored_key_reader_.emplace(file_.header());
  csv::FindingLog found_before(0);
  RowReader again(file_, scope_, csv::TextCheck::by_stretch, found_before);
  while (again.records() + 1 < reader_.records() && again.next()) {
    if (again.accept()) add_to_table(again.row(), tag_of(again.key()));
  }
}

void WholeFileReader::add_to_table(const csv::Row& row, std::uint32_t tag) {
  table_.add(tag, static_cast<KeyTable::Number>(stored_.size()));
  stored_.emplace_back(row);
}

void WholeFileReader::take(const csv::Row& row, std::string_view key) {
  if (increasing_) {
    if (order_.take(key)) return;
    start_table();
  }
  const auto tag = tag_of(key);
  const auto first = table_.find(tag, [&](KeyTable::Number number) { return stored_key(number) == key; });
  if (first) return reader_.check().report_repeated_key(key, stored_[*first].line(), row.line);
  add_to_table(row, tag);
}

}  // namespace

std::size_t estimated_rows(std::string_view text) {
  constexpr std::size_t kPieces = 16;
  constexpr std::size_t kPieceBytes = std::size_t{16} << 10;
  const bool whole = text.size() <= kPieces * kPieceBytes;
  const std::size_t apart = whole ? kPieceBytes : text.size() / kPieces;
  std::size_t lines = 1;
  for (std::size_t at = 0; at < text.size(); at += apart) {
    const auto piece = text.substr(at, kPieceBytes);
    lines += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
  }
  if (whole) return lines;
  const double lines_per_byte = static_cast<double>(lines) / static_cast<double>(kPieces * kPieceBytes);
  return static_cast<std::size_t>(lines_per_byte * static_cast<double>(text.size()) * 1.03);
}

WholeFile read_whole(const csv::File& file, csv::CheckScope scope, std::size_t findings_max) {
  csv::FindingLog findings(findings_max);
  findings.add_all(file.header_findings());
  WholeFileReader reader(file, scope, findings);
  reader.read();
  return {findings.findings(), reader.rows()};
}

}  // namespace deltadrop::diff
