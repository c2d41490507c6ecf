// bench_publish BOOTSTRAP_SERVERS TOPIC FILE [ROUNDS]: measures the time to publish a CSV file's rows as
// inserts, from mapped rows to the last acknowledgement. In turn with it, measures librdkafka alone with the
// same bytes, once with our compression and once with its default (none). Prints one figure per line: name,
// value, unit.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "bare_producer.hpp"
#include "eventlog/kafka_log.hpp"
#include "ingest/reading.hpp"
#include "io/clock.hpp"

namespace deltadrop {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{120};

ingest::Reading read_first_version(const fs::path& path, ingest::UploadRecord& upload) {
  auto after = csv::File::open(path, csv::ReadOptions{}, csv::Limits{}, path.parent_path()).value();
  ingest::Reading reading{std::nullopt, std::move(after), {}};
  reading.changes = diff::diff(nullptr, reading.after).value().changes;
  upload.upload_id = io::new_upload_id(Timestamp{1'700'000'000'000});
  upload.table = TableRef::make("so-financials", "financials").value();
  upload.file.file_id = "so-financials_01234567";
  upload.version = Version(1);
  upload.times.timestamp = upload.times.effective_at = Timestamp{1'700'000'000'000};
  upload.outcome.counts = reading.changes.counts;
  return reading;
}

double publish(eventlog::EventLog& log, const ingest::UploadRecord& upload, const ingest::Reading& reading) {
  const auto begin = steady_clock::now();
  const auto publication = log.publish(upload.upload_id).value();
  ingest::for_each_message(reading, upload, [&](const eventlog::Message& message) {
    return publication->append(message);
  }).value();
  publication->await_delivery(begin + kPatience).value();
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::vector<bench::ReadyMessage> all_messages(const ingest::UploadRecord& upload,
                                              const ingest::Reading& reading) {
  std::vector<bench::ReadyMessage> messages;
  ingest::for_each_message(reading, upload, [&](const eventlog::Message& message) -> Result<void> {
    messages.push_back(
        {std::string(message.key), std::string(message.value), std::string(to_string(message.event_type))});
    return success();
  }).value();
  return messages;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const std::string& servers, const std::string& topic, const fs::path& file, int rounds) {
  ingest::UploadRecord upload;
  const ingest::Reading reading = read_first_version(file, upload);
  const auto messages = all_messages(upload, reading);
  std::size_t bytes = 0;
  for (const auto& message : messages) bytes += message.key.size() + message.value.size();
  eventlog::kafka::Options options;
  options.bootstrap_servers = servers;
  options.topic = topic;
  const auto log = eventlog::kafka::open(options).value();
  log->health(kPatience).value();
  std::vector<double> ours;
  std::map<std::string, std::vector<double>> bare;
  for (int round = 0; round < rounds; ++round) {
    ours.push_back(publish(*log, upload, reading));
    for (const std::string codec : {"lz4", "none"}) {
      bare[codec].push_back(bench::produce_bare(servers, topic, upload.upload_id.to_string(), messages,
                                                {{"compression.codec", codec}}));
    }
  }
  fmt::print("publish.events {} events\npublish.bytes {} bytes\npublish.time {:.4f} s\n", messages.size(),
             bytes, median(ours));
  for (const auto& [codec, seconds] : bare) fmt::print("publish.bare_{} {:.4f} s\n", codec, median(seconds));
}

}  // namespace
}  // namespace deltadrop

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const int rounds = arguments.size() > 4 ? std::atoi(arguments[4]) : 3;
  if (arguments.size() < 4 || rounds < 1) {
    fmt::print(stderr, "usage: bench_publish BOOTSTRAP_SERVERS TOPIC FILE [ROUNDS]\n");
    return 2;
  }
  deltadrop::measure(arguments[1], arguments[2], arguments[3], rounds);
  return 0;
}
