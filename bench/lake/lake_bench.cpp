// bench_lake [ROWS [COLUMNS [upload|event]]]: measures time, memory and bytes of writing an upload of inserts
// to Parquet, and the bytes of the same rows as CSV. The events are generated while they are written, so that
// the figures do not include the history; the time to generate them is shown separately. Prints one figure
// per line: name, value, unit.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lake/lake.hpp"
#include "support/fake_history.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop {
namespace {

using Seconds = std::chrono::duration<double>;

struct Shape {
  std::int64_t rows = 1'000'000;
  std::int64_t columns = 20;
  lake::FileLayout layout = lake::FileLayout::upload;
};

/// Generates the events of one upload on demand.
class MadeHistory final : public testing::FakeHistory {
 public:
  MadeHistory(const UploadFacts& upload, Shape shape) : shape_(shape) {
    event_.upload = upload;
    for (std::int64_t column = 0; column < shape.columns; ++column) {
      names_.push_back(fmt::format("column_{}", column));
    }
  }

  Result<void> scan_events(const UploadId&, ChangeType type,
                           const std::function<Result<void>(const Event&)>& use) override {
    if (type != ChangeType::insert) return success();
    for (std::int64_t row = 1; row <= shape_.rows; ++row) {
      make(row);
      DD_TRY(use(event_));
    }
    return success();
  }

  Result<std::vector<history::AppliedEvent>> events(const history::EventQuery& query) override {
    if (query.type != ChangeType::insert) return std::vector<history::AppliedEvent>{};
    make(1);
    return std::vector{history::AppliedEvent{AppliedNo(1), event_}};
  }

  [[nodiscard]] std::int64_t value_bytes() const { return value_bytes_; }
  [[nodiscard]] std::int64_t csv_bytes() const { return csv_bytes_; }

 private:
  /// A row of a ledger: a key, a period, an item, and amounts, counts, dates and timestamps that rarely
  /// repeat.
  void make(std::int64_t row) {
    event_.seq = Seq(row);
    event_.line = Line(row + 1);
    event_.event_id = EventId::of(event_.upload.upload_id, event_.seq);
    event_.key_value = fmt::format("FIN-{:08}", row);
    csv_bytes_ += shape_.columns;  // a comma or a line end after each value
    event_.new_values_json = "{";
    add("id", event_.key_value);
    add("period", fmt::format("{}-Q{}", 2000 + row % 24, row % 4 + 1));
    add("item", fmt::format("Total assets {}", row % 500));
    auto mixed = static_cast<std::uint64_t>(row) * 0x9E3779B97F4A7C15U;
    for (std::int64_t column = 3; column < shape_.columns; ++column) {
      mixed = (mixed ^ (mixed >> 29U)) * 0xBF58476D1CE4E5B9U;
      add(names_[static_cast<std::size_t>(column)], value_of(column, mixed));
    }
    event_.new_values_json += '}';
    value_bytes_ += static_cast<std::int64_t>(event_.new_values_json.size());
  }

  static std::string value_of(std::int64_t column, std::uint64_t mixed) {
    const auto month = mixed % 12 + 1;
    const auto day = mixed % 28 + 1;
    switch (column % 8) {
      case 0:
        return fmt::format("{}", mixed % 1'000'000'000);
      case 1:
        return fmt::format("20{:02}-{:02}-{:02}", mixed % 30, month, day);
      case 2:
        return fmt::format("2025-{:02}-{:02}T12:{:02}:56.{:03}Z", month, day, mixed % 60, mixed % 1'000);
      default:
        return fmt::format("{}.{:02}", mixed % 10'000'000, mixed % 100);
    }
  }

  void add(std::string_view name, std::string_view value) {
    auto& json = event_.new_values_json;
    if (json.size() > 1) json += ',';
    json.append("\"").append(name).append("\":\"").append(value).append("\"");
    csv_bytes_ += static_cast<std::int64_t>(value.size());
  }

  Shape shape_;
  Event event_;
  std::vector<std::string> names_;
  std::int64_t value_bytes_ = 0;
  std::int64_t csv_bytes_ = 0;
};

template <class Work>
double seconds_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

int run(Shape shape) {
  UploadFacts upload;
  upload.table = {"bench", "financials"};
  upload.upload_id = UploadId::parse("0195f3a0-7c00-7000-8000-000000000001").value();
  upload.file_id = "bench_a1b2c3d4";
  upload.version = Version(1);
  upload.timestamp = upload.effective_at = Timestamp::parse("2025-03-10T12:34:56.789Z").value();
  upload.total = shape.rows;

  MadeHistory making(upload, shape);
  const double make_s = seconds_of([&] {
    static_cast<void>(making.scan_events(upload.upload_id, ChangeType::insert,
                                         [](const Event&) -> Result<void> { return success(); }));
  });
  const testing::TemporaryFolder folder;
  MadeHistory history(upload, shape);
  history::UploadStatus status;
  status.facts = upload;
  lake::Options options;
  options.folder = folder.path();
  options.layout = shape.layout;
  io::ManualClock clock(upload.timestamp);
  bool wrote = false;
  const double all_s = seconds_of([&] {
    const auto report = lake::write_upload(options, history, status, clock);
    wrote = report.has_value();
    if (!wrote) fmt::print(stderr, "{}\n", report.error().text());
  });
  std::uintmax_t file_bytes = 0;
  std::int64_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    file_bytes += entry.file_size();
    ++files;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const double write_s = all_s - make_s;
  constexpr double kMega = 1e6;
  const double csv_megabytes = static_cast<double>(making.csv_bytes()) / kMega;
  fmt::print("lake.json_values {:.0f} MB\nlake.csv {:.1f} MB\nlake.files {} files\nlake.parquet {:.1f} MB\n",
             static_cast<double>(making.value_bytes()) / kMega, csv_megabytes, files,
             static_cast<double>(file_bytes) / kMega);
  fmt::print("lake.write {:.3f} s\nlake.make_events {:.3f} s\nlake.rate {:.0f} rows/s\n", write_s, make_s,
             static_cast<double>(shape.rows) / write_s);
  fmt::print("lake.csv_rate {:.1f} MB/s\nlake.peak_rss {} MB\n", csv_megabytes / write_s,
             usage.ru_maxrss / 1024);
  return wrote ? 0 : 1;
}

}  // namespace
}  // namespace deltadrop

int main(int argc, char** argv) {
  deltadrop::Shape shape;
  if (argc > 1) shape.rows = std::strtoll(argv[1], nullptr, 10);
  if (argc > 2) shape.columns = std::strtoll(argv[2], nullptr, 10);
  if (argc > 3 && std::string_view(argv[3]) == "event") shape.layout = deltadrop::lake::FileLayout::event;
  return deltadrop::run(shape);
}
