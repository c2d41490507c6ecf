#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <limits>

#include "core/stop.hpp"
#include "csv/file.hpp"

namespace deltadrop::diff {

/// Checks an older version beside the walk over it, on a thread of its own: that its rows can be read, and
/// that its keys are unique. While keys increase from row to row that needs no memory, and whoever reads the
/// later rows anyway may take them over. Not thread-safe.
class BeforeCheck {
 public:
  /// Begins at once. The file must outlive this.
  BeforeCheck(const csv::File& before, Stop stop);
  ~BeforeCheck();
  BeforeCheck(const BeforeCheck&) = delete;
  BeforeCheck& operator=(const BeforeCheck&) = delete;

  /// The caller reads and checks the rows from `offset` on; `finish` wants to know whether their keys
  /// increase.
  void leave_rest(std::uint64_t offset) { end_ = offset; }
  /// Waits. Fails with corrupt, type "corrupt-version", and when it is to stop. Call it once.
  Result<void> finish(bool rest_increases = true);
  /// Whether what was checked has blank lines or its header again. Call it after `finish`.
  [[nodiscard]] bool found_other_than_rows() const { return found_other_than_rows_; }

 private:
  enum class Checked : std::uint8_t {
    in_part,  ///< up to and with the first row that was left: its keys increase up to there
    whole,
  };
  Result<Checked> run();
  [[nodiscard]] bool keys_increase();

  const csv::File& before_;
  Stop stop_;
  std::atomic<std::uint64_t> end_ = std::numeric_limits<std::uint64_t>::max();
  bool found_other_than_rows_ = false;  ///< written by the thread
  std::future<Result<Checked>> checked_;
};

/// What is wrong with a version that was once accepted.
Error corrupt_version(const csv::Findings& findings);

}  // namespace deltadrop::diff
