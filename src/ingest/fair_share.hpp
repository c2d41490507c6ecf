#pragma once

#include <cstddef>

namespace deltadrop::ingest {

/// Whether a company that has `taken` places may take one more of those that are `free`: at most as many as
/// are left free for others. However much one company sends, the next one finds a place; a company that is
/// alone gets half of all. (The dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on Networking
/// 6(2), 1998.)
constexpr bool may_take_one_more(std::size_t taken, std::size_t free) {
  return free > 0 && (taken == 0 || taken < free);
}

}  // namespace deltadrop::ingest
