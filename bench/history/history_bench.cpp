#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <string>

#include "history/sqlite_history.hpp"
#include "postgres_bench.hpp"
#include "support/history_feed.hpp"
#include "support/table_story.hpp"
#include "support/temporary_folder.hpp"

///     bench_history                          the embedded history
///     bench_history --postgres URL [ROWS]    PostgreSQL, compared with plain SQL
///
/// The first form prints the seconds in which the embedded history records and applies one upload of 100,000
/// inserts and two uploads of 100,000 updates each. Rows have ten columns, and batches have 5,000 events. It
/// also measures reading a page of records and all events of one upload.
namespace deltadrop {
namespace {

using testing::must;

constexpr int kRows = 100'000;
constexpr int kColumns = 10;
constexpr std::size_t kBatchEvents = 5'000;

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

testing::Rows first_rows() {
  testing::Rows rows;
  for (int row = 0; row < kRows; ++row) {
    testing::Values& values = rows[fmt::format("FIN-{:07}", row)];
    for (int column = 0; column < kColumns; ++column) {
      values[fmt::format("column_{}", column)] = fmt::format("{}.25", row * 31 + column);
    }
  }
  return rows;
}

double record(testing::HistoryFeed& feed, const std::vector<Event>& events) {
  double seconds = 0;
  for (std::size_t at = 0; at < events.size(); at += kBatchEvents) {
    std::vector<std::pair<std::int32_t, Event>> part;
    for (std::size_t i = at; i < std::min(events.size(), at + kBatchEvents); ++i)
      part.emplace_back(0, events[i]);
    const auto batch = feed.batch(part);
    const Stopwatch watch;
    must(feed.record(batch));
    seconds += watch.seconds();
  }
  return seconds;
}

void run() {
  const testing::TemporaryFolder folder;
  const auto store = must(history::sqlite::open({folder.path() / "history.db"}));
  testing::HistoryFeed feed(*store);
  testing::TableStory story("acme");
  testing::Rows rows = first_rows();
  for (const std::string kind : {"inserts", "updates", "updates again"}) {
    const auto events = story.next(rows);
    const double recording = record(feed, events);
    const Stopwatch applying;
    const auto outcome = must(store->apply_next(story.table(), Timestamp{1'900'000'000'000}));
    fmt::print("{:<14} record {:5.2f} s ({:.0f}/s)   apply {:5.2f} s ({:.0f}/s)   {}\n", kind, recording,
               kRows / recording, applying.seconds(), kRows / applying.seconds(),
               std::holds_alternative<history::Applied>(outcome) ? "" : "NOT APPLIED");
    const Stopwatch paging;
    const auto page = must(
        store->records({story.table(), testing::TableStory::effective_at(Version(1)), std::nullopt, 1000}));
    fmt::print("{:<14} as-of page of {} records {:.4f} s\n", "", page.size(), paging.seconds());
    const Stopwatch scanning;
    std::int64_t scanned = 0;
    must(store->scan_events(events[0].upload.upload_id, events[0].type, [&](const Event&) -> Result<void> {
      ++scanned;
      return success();
    }));
    fmt::print("{:<14} scan of {} events by key {:.2f} s\n", "", scanned, scanning.seconds());
    for (auto& [key, values] : rows) values["column_3"] = kind + key;
  }
}

}  // namespace
}  // namespace deltadrop

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    deltadrop::run();
    return 0;
  }
  int rows = deltadrop::kRows;
  bool good = arguments[0] == "--postgres" && (arguments.size() == 2 || arguments.size() == 3);
  if (good && arguments.size() == 3) {
    const std::string& text = arguments[2];
    const auto read = std::from_chars(text.data(), text.data() + text.size(), rows);
    good = read.ec == std::errc() && read.ptr == text.data() + text.size() && rows >= 1;
  }
  if (!good) {
    fmt::print(stderr, "usage: bench_history [--postgres URL [ROWS]]\n");
    return 2;
  }
  deltadrop::bench_postgres(arguments[1], rows);
  return 0;
}
