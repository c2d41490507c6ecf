#include "csv/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "csv/encoding.hpp"
#include "csv/findings.hpp"
#include "csv/header.hpp"
#include "csv/layout.hpp"
#include "csv/other_formats.hpp"
#include "io/file.hpp"
#include "io/mapped_file.hpp"

namespace deltadrop::csv {

namespace {

struct Bytes {
  Encoding encoding = Encoding::utf8;
  std::string_view body;         ///< after the byte order mark
  std::optional<Finding> fault;  ///< the reason why the bytes cannot be read as text
};

Finding unknown_byte_order() {
  return {"unknown-byte-order",
          Line(1),
          std::nullopt,
          std::nullopt,
          "nothing in the file tells the byte order of its UTF-16",
          "give encoding=utf-16le or encoding=utf-16be; if it is no UTF-16, name its own encoding"};
}

bool has_one_byte_a_character(Encoding encoding) {
  return encoding == Encoding::latin1 || encoding == Encoding::windows1252;
}

/// Detects the encoding. A byte order mark overrides the option, because no real text in another encoding
/// starts with one.
Bytes find_encoding(std::string_view bytes, const ReadOptions& options, const Remembered& remembered) {
  if (auto other = find_other_format(bytes, options.rules)) return {Encoding::utf8, bytes, std::move(other)};
  const bool remembers_8_bit =
      !options.encoding && remembered.encoding && has_one_byte_a_character(*remembered.encoding);
  if (remembers_8_bit) {
    if (auto doubt = find_utf8_instead_of(*remembered.encoding, bytes)) {
      return {Encoding::utf8, bytes, std::move(doubt)};
    }
  }
  if (const auto mark = find_byte_order_mark(bytes)) return {mark->encoding, bytes.substr(mark->bytes), {}};
  const Encoding otherwise = remembers_8_bit ? *remembered.encoding : Encoding::utf8;
  const Encoding asked = options.encoding.value_or(otherwise);
  if (asked != Encoding::utf16) return {asked, bytes, {}};
  if (const auto found = find_utf16_order(bytes)) return {*found, bytes, {}};
  // An empty file gets another finding.
  if (bytes.empty()) return {Encoding::utf16le, bytes, {}};
  return {Encoding::utf16le, bytes, unknown_byte_order()};
}

}  // namespace

struct File::State {
  io::MappedFile source;
  io::FileStamp stamp;  ///< stamp of `source` when it was opened
  std::optional<io::MappedFile> transcoded;
  std::string owned;  ///< text transcoded in memory
  std::string_view text;
  ReadOptions options;
  Limits limits;
  Layout layout;
  Findings findings;

  void read_layout_of(std::string_view utf8_text, const Bytes& bytes, const Remembered& remembered) {
    text = utf8_text;
    FindingLog log(limits.findings_max);
    if (bytes.fault) {
      layout.header.encoding = layout.dialect.encoding = bytes.encoding;
      log.add([&] { return *bytes.fault; });
    } else {
      layout = read_layout(text, options, remembered, limits, bytes.encoding, log);
      text = text.substr(0, layout.end);
    }
    layout.header.key_rules = options.key_rules;
    findings = log.findings();
  }
};

namespace {

/// Row references store offsets in 40 bits.
constexpr std::uint64_t kTextBytesMax = std::uint64_t{1} << 40;

Result<void> check_size(std::uint64_t bytes) {
  if (bytes < kTextBytesMax) return success();
  return Error{ErrorCode::invalid_input, "too-large",
               fmt::format("the text has {} bytes, 1 TiB is the limit", bytes), "split the file"};
}

/// Creates an unnamed file. It disappears with its last descriptor or mapping, even after a crash.
Result<io::File> unnamed_file(const std::filesystem::path& folder) {
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return io::File(descriptor, folder / "(unnamed)");
  if (errno != EOPNOTSUPP && errno != EISDIR)
    return io::system_error("create a temporary file in", folder, errno);
  std::string name = (folder / "deltadrop-text-XXXXXX").string();
  descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return io::system_error("create a temporary file in", folder, errno);
  ::unlink(name.c_str());
  return io::File(descriptor, name);
}

Result<io::MappedFile> transcode_to_file(const Bytes& bytes, const std::filesystem::path& scratch) {
  DD_TRY(auto file, unnamed_file(scratch));
  DD_TRY(transcode(bytes.body, bytes.encoding, [&](std::string_view piece) { return file.write(piece); }));
  DD_TRY(auto mapped, io::MappedFile::open(fmt::format("/proc/self/fd/{}", file.descriptor())));
  return mapped;
}

}  // namespace

File::File(std::unique_ptr<State> state) : state_(std::move(state)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;
File::~File() = default;

Result<File> File::open(const std::filesystem::path& path, const ReadOptions& options, const Limits& limits,
                        const std::filesystem::path& scratch, const Remembered& remembered) {
  DD_TRY(check_options(options));
  DD_TRY(auto source, io::MappedFile::open(path));
  DD_TRY(const auto stamp, io::stamp_of(source.file()));
  auto state = std::make_unique<State>(State{std::move(source), stamp, {}, {}, {}, options, limits, {}, {}});
  const Bytes bytes = find_encoding(state->source.bytes(), options, remembered);
  std::string_view text = bytes.body;
  if (bytes.encoding != Encoding::utf8) {
    DD_TRY(auto transcoded, transcode_to_file(bytes, scratch));
    DD_TRY(state->source.check_unchanged());
    state->transcoded = std::move(transcoded);
    text = state->transcoded->bytes();
  }
  DD_TRY(check_size(text.size()));
  state->read_layout_of(text, bytes, remembered);
  return File(std::move(state));
}

Result<File> File::over(std::string_view bytes, const ReadOptions& options, const Limits& limits,
                        const Remembered& remembered) {
  DD_TRY(check_options(options));
  auto state = std::make_unique<State>(State{{}, {}, {}, {}, {}, options, limits, {}, {}});
  const Bytes found = find_encoding(bytes, options, remembered);
  std::string_view text = found.body;
  if (found.encoding != Encoding::utf8) {
    DD_TRY(transcode(found.body, found.encoding, [&](std::string_view piece) -> Result<void> {
      state->owned += piece;
      return success();
    }));
    text = state->owned;
  }
  DD_TRY(check_size(text.size()));
  state->read_layout_of(text, found, remembered);
  return File(std::move(state));
}

const Header& File::header() const { return state_->layout.header; }
const Dialect& File::dialect() const { return state_->layout.dialect; }
ReadOptions File::resolved_options() const {
  const Header& header = state_->layout.header;
  ReadOptions options = state_->options;
  options.delimiter = header.delimiter;
  options.encoding = header.encoding;
  options.key.clear();
  for (const auto column : header.key) options.key.push_back(header.columns[column]);
  if (options.rules > 1) options.skip_lines = {false, state_->layout.dialect.skip_lines};
  return options;
}
RowScanner File::rows(BareQuotes* bare_quotes) const {
  const Layout& layout = state_->layout;
  RowScanner scanner(state_->text, layout.header.delimiter, layout.header_offset, layout.header_line);
  scanner.count_bare_quotes(bare_quotes);
  Row header;
  if (state_->options.has_header) scanner.next(header);
  scanner.pass_over_by(row_filter());
  return scanner;
}
RowScanner File::rows_from(std::uint64_t offset, Line line) const {
  RowScanner scanner(state_->text, state_->layout.header.delimiter, offset, line);
  scanner.pass_over_by(row_filter());
  return scanner;
}
const RowFilter* File::row_filter() const {
  return state_->layout.filter ? &*state_->layout.filter : nullptr;
}
Skipped File::skipped(const PassedOver& passed) const {
  return {passed.blank(), passed.header(), state_->layout.dialect.skip_lines, state_->layout.footer_lines};
}
bool File::lines_end_with_return() const { return state_->layout.lines_end_with_return; }
const Findings& File::header_warnings() const { return state_->layout.warnings; }
const ReadOptions& File::options() const { return state_->options; }
const Limits& File::limits() const { return state_->limits; }
std::string_view File::text() const { return state_->text; }
std::string_view File::source_bytes() const { return state_->source.bytes(); }
const io::FileStamp& File::stamp_when_opened() const { return state_->stamp; }
Result<io::FileStamp> File::stamp_now() const { return io::stamp_of(state_->source.file()); }
bool File::is_untouched() const {
  if (state_->source.bytes().empty()) return true;
  const auto now = io::stamp_of(state_->source.file());
  return now.has_value() && now.value() == state_->stamp;
}
Result<void> File::check_unchanged() const {
  return state_->transcoded ? state_->transcoded->check_unchanged() : state_->source.check_unchanged();
}
const Findings& File::header_findings() const { return state_->findings; }

}  // namespace deltadrop::csv
