#pragma once

#include <string>
#include <string_view>

namespace deltadrop::csv {

/// Which keys are one key although their bytes differ.
struct KeyRules {
  bool trim = false;         ///< without the blanks before and after
  bool ignore_case = false;  ///< by Unicode's full case folding
  bool nfc = false;          ///< by canonical equivalence: in normal form C

  [[nodiscard]] bool any() const { return trim || ignore_case || nfc; }
  bool operator==(const KeyRules&) const = default;
};

/// Writes the one form of `key` that all keys share which are equal under `rules`: without the blanks around
/// it, in upper case as far as that is reversible, in normal form C. The form of a form is itself. What is
/// not valid UTF-8 stays as it is.
void write_key_form(std::string& out, std::string_view key, const KeyRules& rules);

/// The same under every rule, and without any blank: keys that share it look alike.
void write_look_alike_form(std::string& out, std::string_view key);

}  // namespace deltadrop::csv
