#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <limits>

#include "core/stop.hpp"
#include "csv/file.hpp"

namespace deltadrop::diff {

/// Checks on its own thread that an older version's rows are readable and its keys unique, while the caller
/// compares the version. As long as keys increase from row to row, the check needs no memory, and a caller
/// that reads the later rows may check those itself. Not thread-safe.
class BeforeCheck {
 public:
  /// Starts the check. The file must outlive this.
  BeforeCheck(const csv::File& before, Stop stop);
  ~BeforeCheck();
  BeforeCheck(const BeforeCheck&) = delete;
  BeforeCheck& operator=(const BeforeCheck&) = delete;

  /// The caller checks the rows from `offset` on and passes to `finish` whether their keys increase.
  void leave_rest(std::uint64_t offset) { end_ = offset; }
  /// Waits for the check. Fails with corrupt, type "corrupt-version", and if a stop is requested. Call it
  /// once.
  Result<void> finish(bool rest_increases = true);
  /// Returns true if the checked part has blank lines or repeats the header. Call it after `finish`.
  [[nodiscard]] bool found_other_than_rows() const { return found_other_than_rows_; }

 private:
  enum class Checked : std::uint8_t {
    in_part,  ///< up to and including the first row left to the caller; the keys increase up to there
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

/// Returns the error for a version that was accepted earlier and now has findings.
Error corrupt_version(const csv::Findings& findings);

}  // namespace deltadrop::diff
