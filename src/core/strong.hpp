#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace deltadrop {

/// An integer that cannot be mistaken for another kind of integer.
template <class Tag, class T = std::int64_t>
struct Strong {
  T value{};

  constexpr Strong() = default;
  constexpr explicit Strong(T v) : value(v) {}
  constexpr auto operator<=>(const Strong&) const = default;
  [[nodiscard]] constexpr Strong next() const { return Strong(value + 1); }
};

/// The number of an accepted upload within its table: 1, 2, 3...
using Version = Strong<struct VersionTag>;
/// The 1-based position of an event in its upload.
using Seq = Strong<struct SeqTag>;
/// The position of an applied upload in the order in which the database applied all uploads; without gaps.
using AppliedNo = Strong<struct AppliedNoTag>;
/// The number of a physical line of a file, 1-based; the header starts in line 1.
using Line = Strong<struct LineTag>;

}  // namespace deltadrop

template <class Tag, class T>
struct std::hash<deltadrop::Strong<Tag, T>> {
  std::size_t operator()(const deltadrop::Strong<Tag, T>& s) const noexcept {
    return std::hash<T>{}(s.value);
  }
};
