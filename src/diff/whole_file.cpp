#include "diff/whole_file.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
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
  WholeFileReader(const csv::File& file, csv::CheckScope scope, csv::FindingLog& findings, const Stop& stop);

  void read();
  [[nodiscard]] const RowPlaces& rows() const { return rows_; }
  [[nodiscard]] csv::Findings warnings() const { return reader_.warnings(); }
  [[nodiscard]] csv::Skipped skipped() const { return reader_.skipped(); }

 private:
  /// Adds an accepted row.
  void take(const csv::Row& row, std::string_view key);
  /// Builds the table from the rows so far, which it reads again.
  void start_table();
  /// Returns the earlier row with the same key. Otherwise stores the row and returns nothing.
  std::optional<KeyTable::Number> find_or_store(const csv::Row& row, std::string_view key);
  bool has_key(KeyTable::Number number, std::string_view key);

  const csv::File& file_;
  csv::CheckScope scope_;
  csv::FindingLog& findings_;
  const Stop& stop_;
  RowReader reader_;
  RowPlaces rows_;
  KeyOrder order_;
  bool increasing_ = true;
  KeyTable table_;  ///< this and below: accepted rows, used once keys do not increase
  std::vector<RowRef> stored_;
  std::optional<csv::KeyReader> stored_key_reader_;
  /// The keys of stored rows that were repeated. Many short rows may repeat a long one, which is thus read
  /// again only once.
  std::unordered_map<KeyTable::Number, std::string> repeated_keys_;
};

WholeFileReader::WholeFileReader(const csv::File& file, csv::CheckScope scope, csv::FindingLog& findings,
                                 const Stop& stop)
    : file_(file),
      scope_(scope),
      findings_(findings),
      stop_(stop),
      reader_(file, scope, csv::TextCheck::by_stretch, findings, stop),
      order_(file.text()) {}

bool WholeFileReader::has_key(KeyTable::Number number, std::string_view key) {
  if (const auto known = repeated_keys_.find(number); known != repeated_keys_.end()) {
    return known->second == key;
  }
  if (stored_key_reader_->read(stored_[number].in(file_.text())) != key) return false;
  repeated_keys_.emplace(number, key);
  return true;
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
  RowReader again(file_, scope_, csv::TextCheck::by_stretch, found_before, stop_);
  while (again.records() + 1 < reader_.records() && again.next()) {
    // The keys so far increase, so the table does not contain this one.
    if (again.accept()) find_or_store(again.row(), again.key());
  }
}

std::optional<KeyTable::Number> WholeFileReader::find_or_store(const csv::Row& row, std::string_view key) {
  const auto first = table_.find_or_add(tag_of(key), static_cast<KeyTable::Number>(stored_.size()),
                                        [&](KeyTable::Number number) { return has_key(number, key); });
  if (!first) stored_.emplace_back(row);
  return first;
}

void WholeFileReader::take(const csv::Row& row, std::string_view key) {
  if (increasing_) {
    if (order_.take(key)) return;
    start_table();
  }
  const auto first = find_or_store(row, key);
  if (first) reader_.check().report_repeated_key(key, stored_[*first].line(), row.line);
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

Result<WholeFile> read_whole(const csv::File& file, csv::CheckScope scope, std::size_t findings_max,
                             const Stop& stop) {
  csv::FindingLog findings(findings_max);
  findings.add_all(file.header_findings());
  WholeFileReader reader(file, scope, findings, stop);
  reader.read();
  DD_TRY(stop.check());
  findings.merge_repeated(static_cast<std::int64_t>(reader.rows().size()));
  return WholeFile{findings.findings(), reader.rows(), reader.skipped(), reader.warnings()};
}

}  // namespace deltadrop::diff
