#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "csv/fields.hpp"
#include "csv/file.hpp"

namespace deltadrop::csv {

/// Reads the key out of records without splitting what stands behind it. Reuses its buffers; not thread-safe.
class KeyReader {
 public:
  /// The header must have its key resolved.
  explicit KeyReader(const Header& header) : KeyReader(header, header.key_rules) {}
  /// Under other rules than the header's.
  KeyReader(const Header& header, const KeyRules& rules);

  /// The key's text as events carry it: a single key unquoted, a composite one as an RFC 4180 record; each
  /// part in the form that the rules give it. A view of the record or of this reader's buffer; valid until
  /// the next call.
  std::string_view read(std::string_view record);
  /// True when every part of the key last read is empty.
  [[nodiscard]] bool last_was_empty() const { return last_was_empty_; }

 private:
  std::string_view read_single(std::string_view record);
  std::string_view read_composite(std::string_view record);

  std::vector<std::size_t> columns_;  ///< in the key's order
  std::size_t last_column_ = 0;       ///< the rightmost of them
  char delimiter_;
  bool pads_short_rows_;
  bool last_was_empty_ = false;
  std::vector<RawField> raw_;
  std::vector<std::string_view> parts_;
  std::string undoubled_;
  std::string record_;
  KeyRules rules_;
  std::vector<std::string> forms_;  ///< of the key's parts
};

}  // namespace deltadrop::csv
