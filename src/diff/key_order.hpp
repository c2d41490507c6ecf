#pragma once

#include <string>
#include <string_view>

namespace deltadrop::diff {

/// Checks that keys increase, which proves them unique without a hash table.
class KeyOrder {
 public:
  /// Keys that are views of `text` are not copied.
  explicit KeyOrder(std::string_view text) : text_(text) {}

  /// Returns true if the key is greater than all earlier ones. Otherwise ignores the key.
  bool take(std::string_view key) {
    if (any_ && key <= last_) return false;
    any_ = true;
    if (key.data() >= text_.data() && key.data() < text_.data() + text_.size()) {
      last_ = key;
    } else {
      copy_.assign(key);
      last_ = copy_;
    }
    return true;
  }

 private:
  std::string_view text_;
  std::string_view last_;
  std::string copy_;  ///< the last key, unless it is a view of the text
  bool any_ = false;
};

}  // namespace deltadrop::diff
