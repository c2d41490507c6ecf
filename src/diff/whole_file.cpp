#include "diff/whole_file.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace deltadrop::diff {

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

RowList::RowList(std::string_view text) {
  rows_.reserve(std::min(estimated_rows(text), KeyTable::kNumbersMax));
}

void RowList::add(const RowRef& row) {
  const auto line = static_cast<std::uint64_t>(row.line.value);
  PackedRow packed{};
  packed.offset = row.offset & ((std::uint64_t{1} << 40) - 1);
  packed.line_high = (line >> 32) & 0xFFFFFF;
  packed.line_low = static_cast<std::uint32_t>(line);
  packed.length = row.length;
  rows_.push_back(packed);
}

WholeFile::WholeFile(const csv::File& file, csv::CheckScope scope, csv::FindingLog& findings)
    : file_(file),
      scope_(scope),
      findings_(findings),
      check_(file, scope, csv::TextCheck::by_stretch, findings),
      rows_(file.text()),
      order_(file.text()) {
  if (file.header().key.empty()) return;
  key_reader_.emplace(file.header());
  stored_key_reader_.emplace(file.header());
}

std::string_view WholeFile::stored_key(std::size_t number) {
  const RowRef row = rows_[number];
  return stored_key_reader_->read(file_.text().substr(row.offset, row.length));
}

void WholeFile::read() {
  const std::int64_t rows_max =
      std::min(file_.limits().rows_max, static_cast<std::int64_t>(KeyTable::kNumbersMax));
  csv::RowScanner scanner(file_.text(), file_.header().delimiter);
  csv::Row row;
  scanner.next(row);
  while (scanner.next(row)) {
    if (records_ == rows_max && scope_ == csv::CheckScope::everything) {
      return check_.report_too_many_rows(row.line);
    }
    ++records_;
    if (check_.accept(row) && key_reader_) take(row);
    if (scope_ == csv::CheckScope::shape && findings_.findings().total > 0) return;
  }
}

void WholeFile::start_table() {
  increasing_ = false;
  table_ = KeyTable(std::max(rows_.size(), std::min(estimated_rows(file_.text()), KeyTable::kNumbersMax)));
  for (std::size_t number = 0; number < rows_.size(); ++number) {
    table_.add(tag_of(stored_key(number)), static_cast<KeyTable::Number>(number));
  }
}

void WholeFile::take(const csv::Row& row) {
  const auto key = key_reader_->read(row.bytes);
  if (!check_.accept_key(row, key, key_reader_->last_was_empty())) return;
  if (increasing_ && !order_.take(key)) start_table();
  if (!increasing_) {
    const auto tag = tag_of(key);
    const auto first = table_.find(tag, [&](KeyTable::Number number) { return stored_key(number) == key; });
    if (first) return check_.report_repeated_key(key, rows_[*first].line, row.line);
    table_.add(tag, static_cast<KeyTable::Number>(rows_.size()));
  }
  rows_.add(RowRef{row.offset, static_cast<std::uint32_t>(row.bytes.size()), row.line});
}

csv::Findings everything_wrong_with(const csv::File& file, csv::CheckScope scope, std::size_t findings_max) {
  csv::FindingLog findings(findings_max);
  findings.add_all(file.header_findings());
  WholeFile whole(file, scope, findings);
  whole.read();
  return findings.findings();
}

}  // namespace deltadrop::diff
