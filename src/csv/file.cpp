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
#include "io/file.hpp"
#include "io/mapped_file.hpp"

namespace deltadrop::csv {

namespace {

struct Bytes {
  Encoding encoding = Encoding::utf8;
  std::string_view body;         ///< behind the byte order mark
  std::optional<Finding> fault;  ///< no text can be read out of it
};

using namespace std::string_view_literals;

/// By the first bytes, none of which text has: control characters, or what no encoding of ours begins with.
bool is_workbook(std::string_view bytes) {
  constexpr std::array kSignatures = {"PK\x03\x04"sv, "PK\x05\x06"sv, "\xD0\xCF\x11\xE0"sv};
  return std::any_of(kSignatures.begin(), kSignatures.end(),
                     [&](std::string_view signature) { return bytes.starts_with(signature); });
}

Finding workbook() {
  return {"not-csv",
          Line(1),
          std::nullopt,
          std::nullopt,
          "the file is an Excel workbook or a zip archive, and no CSV",
          "open it, save the sheet as CSV (UTF-8), and send that file"};
}

Finding unknown_byte_order() {
  return {"unknown-byte-order",
          Line(1),
          std::nullopt,
          std::nullopt,
          "nothing in the file tells the byte order of its UTF-16",
          "give encoding=utf-16le or encoding=utf-16be; if it is no UTF-16, name its own encoding"};
}

/// A byte order mark beats the option: no real text of another encoding starts with one.
Bytes find_encoding(std::string_view bytes, const ReadOptions& options) {
  if (is_workbook(bytes)) return {Encoding::utf8, bytes, workbook()};
  if (const auto mark = find_byte_order_mark(bytes)) return {mark->encoding, bytes.substr(mark->bytes), {}};
  const Encoding asked = options.encoding.value_or(Encoding::utf8);
  if (asked != Encoding::utf16) return {asked, bytes, {}};
  if (const auto found = find_utf16_order(bytes)) return {*found, bytes, {}};
  // An empty file has another fault.
  if (bytes.empty()) return {Encoding::utf16le, bytes, {}};
  return {Encoding::utf16le, bytes, unknown_byte_order()};
}

}  // namespace

struct File::State {
  io::MappedFile source;
  io::FileStamp stamp;  ///< of `source`, when it was opened
  std::optional<io::MappedFile> transcoded;
  std::string owned;  ///< text transcoded in memory
  std::string_view text;
  ReadOptions options;
  Limits limits;
  Header header;
  Findings findings;

  void read_header_of(std::string_view utf8_text, const Bytes& bytes) {
    text = utf8_text;
    FindingLog log(limits.findings_max);
    if (bytes.fault) {
      header.encoding = bytes.encoding;
      log.add([&] { return *bytes.fault; });
    } else {
      header = read_header(text, options, limits, bytes.encoding, log);
    }
    header.key_rules = options.key_rules;
    findings = log.findings();
  }
};

namespace {

/// Row references keep offsets in 40 bits.
constexpr std::uint64_t kTextBytesMax = std::uint64_t{1} << 40;

Result<void> check_size(std::uint64_t bytes) {
  if (bytes < kTextBytesMax) return success();
  return Error{ErrorCode::invalid_input, "too-large",
               fmt::format("the text has {} bytes, 1 TiB is the limit", bytes), "split the file"};
}

/// A file without a name: gone with its last descriptor or mapping, also after a crash.
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
                        const std::filesystem::path& scratch) {
  DD_TRY(check_options(options));
  DD_TRY(auto source, io::MappedFile::open(path));
  DD_TRY(const auto stamp, io::stamp_of(source.file()));
  auto state = std::make_unique<State>(State{std::move(source), stamp, {}, {}, {}, options, limits, {}, {}});
  const Bytes bytes = find_encoding(state->source.bytes(), options);
  std::string_view text = bytes.body;
  if (bytes.encoding != Encoding::utf8) {
    DD_TRY(auto transcoded, transcode_to_file(bytes, scratch));
    DD_TRY(state->source.check_unchanged());
    state->transcoded = std::move(transcoded);
    text = state->transcoded->bytes();
  }
  DD_TRY(check_size(text.size()));
  state->read_header_of(text, bytes);
  return File(std::move(state));
}

Result<File> File::over(std::string_view bytes, const ReadOptions& options, const Limits& limits) {
  DD_TRY(check_options(options));
  auto state = std::make_unique<State>(State{{}, {}, {}, {}, {}, options, limits, {}, {}});
  const Bytes found = find_encoding(bytes, options);
  std::string_view text = found.body;
  if (found.encoding != Encoding::utf8) {
    DD_TRY(transcode(found.body, found.encoding, [&](std::string_view piece) -> Result<void> {
      state->owned += piece;
      return success();
    }));
    text = state->owned;
  }
  DD_TRY(check_size(text.size()));
  state->read_header_of(text, found);
  return File(std::move(state));
}

const Header& File::header() const { return state_->header; }
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
