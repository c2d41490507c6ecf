// bench_diff OLD NEW: measures time and memory of a diff and of rendering its events, inside one process, for
// profiling. OLD may be "" for a first version. Prints one figure per line: name, value, unit.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "diff/diff.hpp"
#include "io/file.hpp"

namespace deltadrop {
namespace {

namespace fs = std::filesystem;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

csv::File open_csv(const fs::path& path) {
  return csv::File::open(path, csv::ReadOptions{}, csv::Limits{}, path.parent_path()).value();
}

/// Anonymous memory of this process (not backed by a file), in MB.
double anonymous_mb() {
  const std::string status = io::read_whole_file("/proc/self/status").value();
  const auto at = status.find("RssAnon:");
  return at == std::string::npos ? 0 : std::strtod(status.c_str() + at + 8, nullptr) / 1024;
}

void measure(const fs::path& old_path, const fs::path& new_path) {
  const auto start = std::chrono::steady_clock::now();
  const csv::File after = open_csv(new_path);
  std::optional<csv::File> before;
  if (!old_path.empty()) before = open_csv(old_path);
  const csv::File* before_or_null = before ? &*before : nullptr;
  const auto outcome = diff::diff(before_or_null, after).value();
  const double diffed = seconds_since(start);
  const double memory = anonymous_mb();
  std::size_t event_bytes = 0;
  const auto render_start = std::chrono::steady_clock::now();
  diff::for_each_event(before_or_null, after, outcome.changes, Seq(1),
                       [&](const EventView& event) -> Result<bool> {
                         event_bytes += event.new_values_json.size() + event.old_values_json.size();
                         return true;
                       })
      .value();
  const double rendered = seconds_since(render_start);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("diff.time {:.4f} s\ndiff.rate {:.0f} rows/s\ndiff.changes {} events\n", diffed,
             static_cast<double>(outcome.changes.counts.rows) / diffed, outcome.changes.counts.changes());
  fmt::print("diff.render {:.4f} s\ndiff.rendered {} bytes\ndiff.anonymous {:.1f} MB\ndiff.peak_rss {} MB\n",
             rendered, event_bytes, memory, usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace deltadrop

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_diff OLD NEW\n");
    return 2;
  }
  deltadrop::measure(argv[1], argv[2]);
  return 0;
}
