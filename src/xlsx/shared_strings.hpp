#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace deltadrop::xlsx {

/// The strings that a workbook's cells refer to by index, in one block of memory.
class SharedStrings {
 public:
  /// Uses at most `bytes_max` bytes of memory.
  explicit SharedStrings(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// Adds a string. Returns false if it does not fit.
  [[nodiscard]] bool add(std::string_view text);
  /// Returns a string, which is valid until the next add(), or nothing if `index` is not less than size().
  [[nodiscard]] std::optional<std::string_view> at(std::uint64_t index) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };

  void reserve(std::uint64_t bytes);

  std::uint64_t bytes_max_;
  // realloc moves the pages of a large block instead of copying them, so growing costs no second block.
  std::unique_ptr<char, Free> bytes_;
  std::uint64_t used_ = 0;
  std::uint64_t capacity_ = 0;
  std::uint64_t size_ = 0;
  std::vector<std::uint64_t> groups_;  ///< the offset of each group of strings
};

}  // namespace deltadrop::xlsx
