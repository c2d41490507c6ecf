#include "app/log_output.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace deltadrop::app {
namespace {

/// The interval at which a blocked writer checks whether it must end.
constexpr int kPollMs = 250;
constexpr std::chrono::seconds kPauseAfterFailure{1};

enum class Outcome { written, failed, ended };

}  // namespace

struct LogOutput::State {
  explicit State(Options of) : options(std::move(of)) {}

  struct Batch {
    std::string text;
    std::uint64_t lines = 0;  ///< lines that are lost if the batch is not written
  };

  void run();
  Batch take();
  Outcome write_out(std::string_view text);

  const Options options;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> waiting;
  std::size_t waiting_bytes = 0;
  std::uint64_t dropped = 0;  ///< dropped lines that the log does not yet report
  bool writing = false;
  std::atomic<bool> ending = false;
  bool line_is_torn = false;  ///< the last write ended in the middle of a line; used only by the writer
};

namespace {

/// Starts a thread with all signals blocked, because other threads wait for them.
void start_without_signals(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread(std::move(work)).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

LogOutput::LogOutput(Options options) : state_(std::make_shared<State>(std::move(options))) {
  start_without_signals([state = state_] { state->run(); });
}

LogOutput::~LogOutput() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
}

void LogOutput::write(std::string line) {
  auto& state = *state_;
  const std::lock_guard lock(state.mutex);
  // After a dropped line, drop all lines until the log reports the count, so that the report is in the right
  // order.
  if (state.dropped > 0 || state.waiting_bytes + line.size() > state.options.waiting_bytes_max) {
    ++state.dropped;
    return;
  }
  state.waiting_bytes += line.size();
  state.waiting.push_back(std::move(line));
  state.changed.notify_all();
}

bool LogOutput::flush(std::chrono::milliseconds patience) {
  auto& state = *state_;
  std::unique_lock lock(state.mutex);
  return state.changed.wait_for(
      lock, patience, [&state] { return state.waiting.empty() && !state.writing && state.dropped == 0; });
}

/// Returns as many lines as a pipe accepts at once, or the line that reports the dropped lines if no others
/// remain.
LogOutput::State::Batch LogOutput::State::take() {
  Batch batch;
  if (waiting.empty()) {
    batch = {options.dropped_line(dropped), dropped};
    dropped = 0;
    return batch;
  }
  while (!waiting.empty() && (batch.text.empty() || batch.text.size() + waiting.front().size() <= PIPE_BUF)) {
    waiting_bytes -= waiting.front().size();
    batch.text += waiting.front();
    waiting.pop_front();
    ++batch.lines;
  }
  return batch;
}

void LogOutput::State::run() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return ending || !waiting.empty() || dropped > 0; });
    if (waiting.empty() && dropped == 0) return;
    const auto batch = take();
    writing = true;
    lock.unlock();
    const auto outcome = write_out(batch.text);
    lock.lock();
    writing = false;
    if (outcome != Outcome::written) dropped += batch.lines;
    changed.notify_all();
    if (outcome == Outcome::ended || (outcome == Outcome::failed && ending)) return;
    if (outcome == Outcome::failed)
      changed.wait_for(lock, kPauseAfterFailure, [this] { return ending.load(); });
  }
}

Outcome LogOutput::State::write_out(std::string_view text) {
  if (line_is_torn) {
    constexpr char kLineEnd = '\n';
    if (::write(options.descriptor, &kLineEnd, 1) != 1) return ending ? Outcome::ended : Outcome::failed;
    line_is_torn = false;
  }
  const auto size = text.size();
  while (!text.empty()) {
    pollfd output{options.descriptor, POLLOUT, 0};
    const int ready = ::poll(&output, 1, kPollMs);
    if (ready == 0 && ending) return Outcome::ended;
    if (ready <= 0) continue;
    // A pipe that poll reports as writable accepts PIPE_BUF bytes without blocking.
    const auto count = ::write(options.descriptor, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR && errno != EAGAIN) {
      line_is_torn = text.size() < size;
      return Outcome::failed;
    }
  }
  return Outcome::written;
}

}  // namespace deltadrop::app
