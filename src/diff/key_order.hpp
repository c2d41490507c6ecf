#pragma once

#include <string>
#include <string_view>

namespace deltadrop::diff {

/// Whether keys come in increasing order, which makes them unique without a table.
class KeyOrder {
 public:
  /// Keys that are views of `text` are not copied.
  explicit KeyOrder(std::string_view text) : text_(text) {}

  /// True when the key comes behind all those before it; another is not taken.
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
  std::string copy_;  ///< where the key is no view of the text
  bool any_ = false;
};

}  // namespace deltadrop::diff
