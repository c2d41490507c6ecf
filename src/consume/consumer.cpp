#include "consume/consumer.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <functional>
#include <thread>

#include "consume/applier.hpp"
#include "consume/board.hpp"
#include "consume/lake_feeder.hpp"
#include "consume/log_recorder.hpp"
#include "core/exhausted.hpp"

namespace deltadrop::consume {

namespace {

constexpr std::chrono::milliseconds kBeginAgain{1000};

}  // namespace

class Consumer::State {
 public:
  State(Options options, LakeStep lake, eventlog::EventLog& log, history::HistoryWriter& writer,
        history::HistoryReader& reader, io::Clock& clock)
      : options_(std::move(options)),
        lake_(std::move(lake)),
        history_(reader),
        recorder_(options_, log, writer, clock, board_),
        applier_(options_, log, writer, reader, clock, board_),
        lake_feeder_(options_, lake_, reader, board_) {}

  void start() {
    threads_.push_back(run([this](const std::stop_token& stop) { recorder_.run(stop); }));
    threads_.push_back(
        run(again_when_exhausted([this](const std::stop_token& stop) { applier_.run(stop); })));
    if (lake_) {
      threads_.push_back(
          run(again_when_exhausted([this](const std::stop_token& stop) { lake_feeder_.run(stop); })));
    }
  }

  void stop() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    board_.end();
  }

  Health health() {
    const auto notes = board_.notes();
    Health health{notes.log,
                  notes.recording ? notes.recording : notes.applying,
                  notes.lake,
                  notes.stopped,
                  notes.waiting,
                  notes.lag,
                  {}};
    auto summary = history_.summary();
    if (summary) {
      health.summary = std::move(summary).value();
    } else if (!health.history) {
      health.history = summary.error();
    }
    return health;
  }

  Board& board() { return board_; }

 private:
  using Work = std::function<void(const std::stop_token& stop)>;

  /// Restarts `work` after memory or another resource ran out. Its state is in the history, so nothing is
  /// lost.
  Work again_when_exhausted(Work work) {
    return [this, work = std::move(work)](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        try {
          return work(stop);
        } catch (const std::exception& thrown) {
          const auto known = exhausted(thrown);
          if (!known) throw;
          spdlog::error("restarting a consumer thread: {}", known->text());
          board_.note([&](auto& notes) { notes.applying = *known; });
        }
        board_.pause(stop, kBeginAgain);
      }
    };
  }

  std::jthread run(const Work& work) {
    return std::jthread([this, work](const std::stop_token& stop) {
      try {
        work(stop);
      } catch (const std::exception& thrown) {
        spdlog::critical("a consumer thread failed: {}", thrown.what());
        board_.note([&](auto& notes) { notes.stopped = error_of(thrown); });
      }
    });
  }

  Options options_;
  LakeStep lake_;
  history::HistoryReader& history_;
  Board board_;
  LogRecorder recorder_;
  Applier applier_;
  LakeFeeder lake_feeder_;
  std::vector<std::jthread> threads_;
};

Consumer::Consumer(Options options, LakeStep lake, eventlog::EventLog& log, history::HistoryWriter& writer,
                   history::HistoryReader& reader, io::Clock& clock)
    : state_(std::make_unique<State>(std::move(options), std::move(lake), log, writer, reader, clock)) {}

Consumer::~Consumer() { stop(); }

void Consumer::start() { state_->start(); }
void Consumer::stop() { state_->stop(); }
Health Consumer::health() { return state_->health(); }
std::optional<Error> Consumer::stopped() const { return state_->board().notes().stopped; }
std::uint64_t Consumer::progress() const { return state_->board().progress(); }
std::uint64_t Consumer::wait_for_progress(std::uint64_t seen,
                                          std::chrono::steady_clock::time_point deadline) {
  return state_->board().wait_progress_until(seen, deadline);
}

}  // namespace deltadrop::consume
