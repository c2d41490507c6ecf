#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace deltadrop::xlsx {

/// The texts that a workbook's cells refer to by number, in one block of memory.
class SharedStrings {
 public:
  /// `bytes_max`: the memory that it may use.
  explicit SharedStrings(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// False if the text does not fit.
  [[nodiscard]] bool add(std::string_view text);
  /// Valid until the next add(). Nothing from size() on.
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
  std::vector<std::uint64_t> groups_;  ///< where each group of strings begins
};

}  // namespace deltadrop::xlsx
