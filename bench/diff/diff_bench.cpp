// bench_diff [ROWS [COLUMNS]]: time and memory of diffing a first version, and versions after it, of a seeded
// table.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "diff/diff.hpp"
#include "io/file.hpp"

namespace deltadrop {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSeed = 20250310;

struct Shape {
  std::size_t rows = 1'000'000;
  std::size_t columns = 20;
};

/// A row of a ledger: key, period, a quoted name in every tenth row, numbers.
std::string make_row(std::size_t number, std::size_t columns, std::mt19937_64& random) {
  std::string row = fmt::format("FIN-{:08},2024-Q{}", number, number % 4 + 1);
  for (std::size_t column = 2; column < columns; ++column) {
    const auto value = random() % 10'000'000;
    if (column == 2) {
      row += number % 10 == 0 ? ",\"Total assets, net\"" : ",Revenue";
    } else {
      row += fmt::format(",{}.{:02}", value / 100, value % 100);
    }
  }
  return row;
}

void save(const fs::path& path, const std::string& header, const std::vector<std::string>& rows) {
  auto file = io::File::create(path).value();
  std::string piece = header;
  for (const auto& row : rows) {
    piece += row;
    piece += '\n';
    if (piece.size() < (std::size_t{1} << 20)) continue;
    file.write(piece).value();
    piece.clear();
  }
  file.write(piece).value();
  file.close().value();
}

void make_files(const fs::path& folder, const Shape& shape) {
  std::mt19937_64 random(kSeed);
  std::string header = "id";
  for (std::size_t column = 1; column < shape.columns; ++column) header += fmt::format(",column_{}", column);
  header += '\n';
  std::vector<std::string> rows;
  for (std::size_t number = 0; number < shape.rows; ++number)
    rows.push_back(make_row(number, shape.columns, random));
  save(folder / "v1.csv", header, rows);
  for (std::size_t i = 0; i < rows.size() / 100; ++i) {
    const auto number = random() % rows.size();
    rows[number] = make_row(number, shape.columns, random);
  }
  save(folder / "v2.csv", header, rows);
  std::shuffle(rows.begin(), rows.end(), random);
  save(folder / "shuffled.csv", header, rows);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

csv::File open_csv(const fs::path& path) {
  return csv::File::open(path, csv::ReadOptions{}, csv::Limits{}, path.parent_path()).value();
}

/// Memory of this process that belongs to no file, in MB.
double anonymous_mb() {
  const std::string status = io::read_whole_file("/proc/self/status").value();
  const auto at = status.find("RssAnon:");
  return at == std::string::npos ? 0 : std::strtod(status.c_str() + at + 8, nullptr) / 1024;
}

/// In a process of its own, so that memory is measured by itself.
template <class Work>
void run_apart(const Work& work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child != 0) {
    ::waitpid(child, nullptr, 0);
    return;
  }
  work();
  std::fflush(stdout);
  ::_exit(0);
}

void measure(const std::string& name, const fs::path& old_path, const fs::path& new_path) {
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
  fmt::print(
      "{:<22} {:>8.3f} s {:>12.0f} rows/s {:>9} changes {:>8.3f} s to render {:>7.1f} MB own {:>7.1f} MB "
      "peak RSS\n",
      name, diffed, static_cast<double>(outcome.changes.counts.rows) / diffed,
      outcome.changes.counts.changes(), rendered, memory, static_cast<double>(usage.ru_maxrss) / 1024);
}

int run(int argc, char** argv) {
  Shape shape;
  if (argc > 1) shape.rows = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) shape.columns = std::strtoull(argv[2], nullptr, 10);
  std::string name = (fs::temp_directory_path() / "deltadrop-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return 1;
  const fs::path folder = name;
  run_apart([&] { make_files(folder, shape); });
  fmt::print("{} rows x {} columns, {:.0f} MB, seed {}\n", shape.rows, shape.columns,
             static_cast<double>(fs::file_size(folder / "v1.csv")) / 1e6, kSeed);
  run_apart([&] { measure("first version", {}, folder / "v1.csv"); });
  run_apart([&] { measure("same file again", folder / "v1.csv", folder / "v1.csv"); });
  run_apart([&] { measure("1 % updated", folder / "v1.csv", folder / "v2.csv"); });
  run_apart([&] { measure("1 % updated, shuffled", folder / "v1.csv", folder / "shuffled.csv"); });
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace deltadrop

int main(int argc, char** argv) { return deltadrop::run(argc, argv); }
