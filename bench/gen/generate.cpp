// bench_generate PATH ROWS [COLUMNS [REVISION [ORDER [mixed]]]]: writes one version of an invented ledger,
// with the same bytes on every machine.
//
// A row's text is a function of its number and of the last revision that restated it. So files of any size
// are written as a stream, and revision N differs from N - 1 in exactly one row of every hundred, which gets
// another first amount. With `mixed`, every revision except the first (0) also deletes one row of each
// hundred and inserts another.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop {
namespace {

constexpr std::uint64_t kSeed = 20250310;
constexpr std::uint64_t kBlockRows = 100;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

struct Shape {
  std::uint64_t rows = 0;
  std::uint64_t columns = 20;
  std::uint64_t revision = 0;
  std::string order = "in_order";
  bool mixed = false;
};

/// A row in one revision: its number, which identifies it, and the revision that last restated it.
struct Row {
  std::uint64_t number;
  std::uint64_t restated;
};

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), as a hash.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::uint64_t random_of(std::uint64_t purpose, std::uint64_t a, std::uint64_t b) {
  return mix(mix(mix(kSeed + purpose) + a) + b);
}

std::uint64_t amount_of(const Row& row, std::uint64_t column) {
  // A restatement changes only the first amount.
  const std::uint64_t restated = column == 3 ? row.restated : 0;
  return random_of(column, row.number, restated) % 20'000'000;
}

/// The row of a block that a revision restates.
std::uint64_t restated_in(std::uint64_t block, std::uint64_t revision) {
  return block * kBlockRows + random_of(1000, block, revision) % kBlockRows;
}

Row row_at(std::uint64_t number, std::uint64_t revision) {
  for (std::uint64_t at = revision; at > 0; --at) {
    if (restated_in(number / kBlockRows, at) == number) return {number, at};
  }
  return {number, 0};
}

std::vector<Row> rows_of(const Shape& shape) {
  std::vector<Row> rows;
  rows.reserve(shape.rows);
  for (std::uint64_t number = 0; number < shape.rows; ++number) {
    const Row row = row_at(number, shape.revision);
    // The row after the restated one is replaced by a row with a number beyond all others.
    const bool replaced = shape.mixed && shape.revision > 0 &&
                          number == (restated_in(number / kBlockRows, shape.revision) + 1) % kBlockRows +
                                        number / kBlockRows * kBlockRows;
    rows.push_back(replaced ? Row{shape.rows + number, 0} : row);
  }
  return rows;
}

void shuffle(std::vector<Row>& rows, std::uint64_t revision) {
  // A Fisher-Yates shuffle written out, because std::shuffle differs between standard libraries.
  for (std::size_t left = rows.size(); left > 1; --left) {
    std::swap(rows[left - 1], rows[random_of(2000, left, revision) % left]);
  }
}

/// Alternates rows of the first half and of the second half.
void interleave(std::vector<Row>& rows) {
  const std::vector<Row> from = rows;
  const std::size_t half = (from.size() + 1) / 2;
  for (std::size_t i = 0; i < from.size(); ++i) rows[i] = from[i % 2 == 0 ? i / 2 : half + i / 2];
}

/// Returns false for an unknown order.
bool put_in_order(std::vector<Row>& rows, const Shape& shape) {
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
  if (shape.order == "in_order") return true;
  if (shape.order == "shuffled") {
    shuffle(rows, shape.revision);
  } else if (shape.order == "reversed") {
    std::reverse(rows.begin(), rows.end());
  } else if (shape.order == "every_other") {
    std::stable_partition(rows.begin(), rows.end(), [](const Row& row) { return row.number % 2 == 0; });
  } else if (shape.order == "block_moved") {
    std::rotate(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 10), middle);
  } else if (shape.order == "by_amount") {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return amount_of(a, 4) < amount_of(b, 4); });
  } else if (shape.order == "interleaved") {
    interleave(rows);
  } else {
    return false;
  }
  return true;
}

void append_padded(std::string& text, std::uint64_t value, std::size_t digits) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const auto length = static_cast<std::size_t>(end - buffer);
  if (length < digits) text.append(digits - length, '0');
  text.append(buffer, length);
}

void append_row(std::string& text, const Row& row, std::uint64_t columns) {
  text += "FIN-";
  append_padded(text, row.number, 8);
  if (columns > 1) {
    text += ",2024-Q";
    text += static_cast<char>('1' + row.number % 4);
  }
  // Every tenth row has a quoted field.
  if (columns > 2) text += row.number % 10 == 0 ? ",\"Total assets, net\"" : ",Revenue";
  for (std::uint64_t column = 3; column < columns; ++column) {
    const std::uint64_t cents = amount_of(row, column);
    text += ',';
    append_padded(text, cents / 100, 1);
    text += '.';
    append_padded(text, cents % 100, 2);
  }
  text += '\n';
}

std::string header_of(std::uint64_t columns) {
  std::string header = "record_id";
  for (std::uint64_t column = 1; column < columns; ++column) {
    header += column == 1 ? ",period" : column == 2 ? ",item" : fmt::format(",amount_{}", column - 2);
  }
  return header + '\n';
}

bool write_file(const std::string& path, const std::vector<Row>& rows, std::uint64_t columns) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  bool good = true;
  std::string piece = header_of(columns);
  for (const Row& row : rows) {
    append_row(piece, row, columns);
    if (piece.size() < kPieceBytes) continue;
    good = good && std::fwrite(piece.data(), 1, piece.size(), file) == piece.size();
    piece.clear();
  }
  good = good && std::fwrite(piece.data(), 1, piece.size(), file) == piece.size();
  return std::fclose(file) == 0 && good;
}

int run(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_generate PATH ROWS [COLUMNS [REVISION [ORDER [mixed]]]]\n");
    return 2;
  }
  Shape shape;
  shape.rows = std::strtoull(argv[2], nullptr, 10);
  if (argc > 3) shape.columns = std::strtoull(argv[3], nullptr, 10);
  if (argc > 4) shape.revision = std::strtoull(argv[4], nullptr, 10);
  if (argc > 5) shape.order = argv[5];
  shape.mixed = argc > 6 && std::string_view(argv[6]) == "mixed";
  auto rows = rows_of(shape);
  if (!put_in_order(rows, shape)) {
    fmt::print(
        stderr,
        "unknown order {}; the orders are in_order shuffled reversed every_other block_moved by_amount "
        "interleaved\n",
        shape.order);
    return 2;
  }
  if (write_file(argv[1], rows, shape.columns)) return 0;
  std::perror(argv[1]);
  return 1;
}

}  // namespace
}  // namespace deltadrop

int main(int argc, char** argv) { return deltadrop::run(argc, argv); }
