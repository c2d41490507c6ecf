#include "app/watch.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace deltadrop::app {
namespace {

constexpr std::chrono::seconds kEvery{3};
constexpr std::chrono::milliseconds kProbe{2000};

/// One server and its last logged state.
class Watched {
 public:
  Watched(std::string_view name, std::string_view meanwhile) : name_(name), meanwhile_(meanwhile) {}

  void note(const Result<void>& answer) {
    if (!answer && answer.error().code == ErrorCode::shutting_down) return;
    if (!answer && said_ != answer.error().type) {
      spdlog::warn("waiting for {}: {}; {}", name_, answer.error().text(), meanwhile_);
      said_ = answer.error().type;
    } else if (answer && said_ != "answers") {
      spdlog::info("{} answers", name_);
      said_ = "answers";
    }
  }

 private:
  std::string_view name_;
  std::string_view meanwhile_;
  std::string said_;
};

void watch(const std::stop_token& stop, eventlog::EventLog& log, history::HistoryReader& history) {
  Watched kafka("Kafka", "uploads are accepted meanwhile");
  Watched database("the database", "events wait in Kafka meanwhile");
  std::mutex mutex;
  std::condition_variable_any nobody_signals;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    kafka.note(log.health(kProbe));
    database.note(history.health());
    nobody_signals.wait_for(lock, stop, kEvery, [] { return false; });
  }
}

}  // namespace

Watch::Watch(eventlog::EventLog& log, history::HistoryReader& history)
    : thread_([&log, &history](const std::stop_token& stop) { watch(stop, log, history); }) {}

}  // namespace deltadrop::app
