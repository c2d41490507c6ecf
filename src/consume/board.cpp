#include "consume/board.hpp"

#include <spdlog/spdlog.h>

namespace deltadrop::consume {

Board::Notes Board::notes() const {
  const std::lock_guard lock(mutex_);
  return notes_;
}

void Board::progressed() {
  const std::lock_guard lock(mutex_);
  ++progress_;
  changed_.notify_all();
}

std::uint64_t Board::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void Board::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Board::wait_progress(const std::stop_token& stop, std::uint64_t seen,
                          std::chrono::milliseconds wait_max) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, wait_max, [&] { return progress_ != seen; });
}

std::uint64_t Board::wait_progress_until(std::uint64_t seen, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline,
                      [&] { return progress_ != seen || ended_ || notes_.stopped.has_value(); });
  return progress_;
}

bool Board::pause(const std::stop_token& stop, std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

void Warning::about(std::string_view what, const Error& error) {
  const auto level = said_ == error.type ? spdlog::level::debug : spdlog::level::warn;
  spdlog::log(level, "{}: {}", what, error.text());
  said_ = error.type;
}

}  // namespace deltadrop::consume
