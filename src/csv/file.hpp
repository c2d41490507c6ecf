#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "csv/options.hpp"
#include "io/file_stamp.hpp"

namespace deltadrop::csv {

/// What the header and the options say of a file's columns.
struct Header {
  std::vector<std::string> columns;  ///< all, in the file's order
  std::vector<std::size_t> tracked;  ///< indexes of columns that are not ignored, in the file's order
  std::vector<std::size_t> key;      ///< indexes of the key's columns, in the key's order
  char delimiter = ',';
  Encoding encoding = Encoding::utf8;
  KeyRules key_rules;

  /// Raw name of a single key column, else one RFC 4180 record of the names.
  [[nodiscard]] std::string key_column() const;
};

/// A CSV file whose bytes are mapped (UTF-8) or were transcoded to an unnamed temporary file and mapped. Rows
/// are read by the diff. Immutable; may be shared by threads.
class File {
 public:
  /// Maps the file, finds encoding and delimiter, and reads the header. Fails only for reasons outside the
  /// file (I/O, options that make no sense); what is wrong with its text are findings. `scratch` is a folder
  /// for transcoded bytes.
  static Result<File> open(const std::filesystem::path& path, const ReadOptions& options,
                           const Limits& limits, const std::filesystem::path& scratch);
  /// The same over bytes that the caller keeps alive.
  static Result<File> over(std::string_view bytes, const ReadOptions& options, const Limits& limits);

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  [[nodiscard]] const Header& header() const;
  [[nodiscard]] const ReadOptions& options() const;
  [[nodiscard]] const Limits& limits() const;
  /// All of the text as UTF-8, without a byte order mark.
  [[nodiscard]] std::string_view text() const;
  /// The file's own bytes as stored, in its own encoding; empty where it was not opened from a path.
  [[nodiscard]] std::string_view source_bytes() const;
  /// Of the file when it was opened, and now.
  [[nodiscard]] const io::FileStamp& stamp_when_opened() const;
  [[nodiscard]] Result<io::FileStamp> stamp_now() const;
  /// No program has written to the file since it was opened. True of text that is not mapped.
  [[nodiscard]] bool is_untouched() const;
  /// Call it behind the last look at the text. Fails as io::MappedFile::check_unchanged: then what was read
  /// means nothing. Text that is not mapped stays what it is.
  [[nodiscard]] Result<void> check_unchanged() const;
  /// What is wrong up to and with the header.
  [[nodiscard]] const Findings& header_findings() const;

 private:
  struct State;
  explicit File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::csv
