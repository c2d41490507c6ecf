#pragma once

#include <string>
#include <string_view>

namespace deltadrop::csv {

/// Rules under which keys with different bytes are equal.
struct KeyRules {
  bool trim = false;         ///< ignores blanks before and after
  bool ignore_case = false;  ///< uses Unicode's full case folding
  bool nfc = false;          ///< canonical equivalence: compares in normal form C

  [[nodiscard]] bool any() const { return trim || ignore_case || nfc; }
  bool operator==(const KeyRules&) const = default;
};

/// Writes the canonical form of `key` under `rules`, which is the same for all equal keys: without the blanks
/// around it, in upper case where that is reversible, in normal form C. The function is idempotent. Invalid
/// UTF-8 is copied unchanged.
void write_key_form(std::string& out, std::string_view key, const KeyRules& rules);

/// Writes the form under all rules and without any blanks. Keys with the same form look alike.
void write_look_alike_form(std::string& out, std::string_view key);

}  // namespace deltadrop::csv
