#include "xlsx/csv_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "xlsx/expat_reader.hpp"

namespace deltadrop::xlsx {
namespace {

constexpr std::size_t kMemoryBytes = std::size_t{8} << 20;
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

/// Creates a file that disappears when it is closed, even if the file system does not support O_TMPFILE.
Result<io::File> unnamed_file(const std::filesystem::path& folder) {
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return io::File(descriptor, folder / "(unnamed)");
  std::string name = (folder / "deltadrop-xlsx-XXXXXX").string();
  descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return io::system_error("create a temporary file in", folder, errno);
  io::File file(descriptor, name);
  if (::unlink(name.c_str()) != 0) return io::system_error("unlink", name, errno);
  return file;
}

}  // namespace

Result<void> CsvOutput::check_size(std::uint64_t bytes) const {
  if (bytes <= limits_.csv_bytes_max) return success();
  return too_large(
      fmt::format("row {} makes its CSV larger than {} bytes", last_row_, limits_.csv_bytes_max));
}

Result<void> CsvOutput::flush() {
  if (!file_) {
    DD_TRY(auto file, unnamed_file(scratch_));
    file_ = std::move(file);
  }
  DD_TRY(file_->write(memory_));
  memory_.clear();
  return success();
}

Result<void> CsvOutput::add(std::uint32_t row, std::string_view record, std::uint32_t fields) {
  if (columns() < fields) segments_.push_back({written_, fields});
  const std::uint64_t empty_rows = row - last_row_ - 1;
  const std::uint64_t commas = columns() - fields;
  last_row_ = row;
  written_ += empty_rows + record.size() + commas + 1;
  DD_TRY(check_size(written_));
  memory_.append(empty_rows, '\n');
  memory_ += record;
  memory_.append(commas, ',');
  memory_ += '\n';
  if (memory_.size() >= kMemoryBytes) return flush();
  return success();
}

Result<void> CsvOutput::send(const CsvSink& sink) {
  sent_ += padded_.size();
  DD_TRY(check_size(sent_));
  DD_TRY(sink(padded_));
  padded_.clear();
  return success();
}

/// Sends `block` with `missing` commas added to each record that ends in it.
Result<void> CsvOutput::pad(std::string_view block, std::uint32_t missing, const CsvSink& sink) {
  for (const char c : block) {
    if (c == '"') in_quotes_ = !in_quotes_;
    const bool ends_line = c == '\n' && !in_quotes_;
    if (ends_line && !at_line_start_) padded_.append(missing, ',');
    padded_ += c;
    at_line_start_ = ends_line;
    if (padded_.size() >= kBlockBytes) {
      DD_TRY(send(sink));
    }
  }
  if (padded_.empty()) return success();
  return send(sink);
}

Result<void> CsvOutput::give_block(std::string_view block, const CsvSink& sink) {
  while (!block.empty()) {
    while (segment_ + 1 < segments_.size() && segments_[segment_ + 1].begin <= given_) ++segment_;
    const bool is_last = segment_ + 1 == segments_.size();
    const std::uint64_t end = is_last ? written_ : segments_[segment_ + 1].begin;
    const auto piece = block.substr(0, end - given_);
    if (is_last) {
      sent_ += piece.size();
      DD_TRY(check_size(sent_));
      DD_TRY(sink(piece));
    } else {
      DD_TRY(pad(piece, columns() - segments_[segment_].fields, sink));
    }
    given_ += piece.size();
    block.remove_prefix(piece.size());
  }
  return success();
}

Result<std::uint64_t> CsvOutput::give(const CsvSink& sink, const Stop& stop) {
  if (file_) {
    DD_TRY(file_->seek(0));
    std::string block(kBlockBytes, '\0');
    for (;;) {
      DD_TRY(stop.check());
      DD_TRY(const auto count, file_->read(std::as_writable_bytes(std::span(block))));
      if (count == 0) break;
      DD_TRY(give_block(std::string_view(block).substr(0, count), sink));
    }
  }
  for (std::size_t at = 0; at < memory_.size(); at += kBlockBytes) {
    DD_TRY(stop.check());
    DD_TRY(give_block(std::string_view(memory_).substr(at, kBlockBytes), sink));
  }
  return sent_;
}

}  // namespace deltadrop::xlsx
