#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "csv/fields.hpp"
#include "csv/file.hpp"

namespace deltadrop::csv {

/// Reads the keys of records without splitting the fields after the key. Reuses its buffers; not thread-safe.
class KeyReader {
 public:
  /// The header's key must be resolved.
  explicit KeyReader(const Header& header) : KeyReader(header, header.key_rules) {}
  /// Uses `rules` instead of the header's rules.
  KeyReader(const Header& header, const KeyRules& rules);

  /// Returns the key's text as events contain it: a single key unquoted, a composite key as an RFC 4180
  /// record, each part in its canonical form under the rules. The result is a view of the record or of this
  /// reader's buffer and is valid until the next call.
  std::string_view read(std::string_view record);
  /// Returns true if every part of the key last read is empty.
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
  std::vector<std::string> forms_;  ///< canonical forms of the key's parts
};

}  // namespace deltadrop::csv
