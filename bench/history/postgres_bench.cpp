#include "postgres_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "consume/consumer.hpp"
#include "eventlog/memory_log.hpp"
#include "history/postgres_connection.hpp"
#include "history/postgres_history.hpp"
#include "support/result_check.hpp"
#include "support/table_story.hpp"

namespace deltadrop {
namespace {

using namespace std::chrono_literals;
using history::postgres::Connection;
using testing::must;

constexpr int kRounds = 3;
constexpr int kColumns = 10;
constexpr int kPageRows = 20'000;

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// An empty set of Deltadrop's tables in its own schema.
class Schema {
 public:
  Schema(const std::string& url, std::string name)
      : name_(std::move(name)), outside_{.url = url}, connection_(must(Connection::open(outside_))) {
    drop();
    must(connection_.run({"CREATE SCHEMA " + name_, {}}));
    inside_.url = fmt::format("{}{}options=-csearch_path%3D{}", url,
                              url.find('?') != std::string::npos ? '&' : '?', name_);
    store_ = must(history::postgres::open(inside_));
    must(store_->health());
  }
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  ~Schema() { drop(); }

  history::HistoryStore& store() { return *store_; }
  Connection connect() { return must(Connection::open(inside_)); }

 private:
  void drop() { must(connection_.run({fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", name_), {}})); }

  std::string name_;
  history::postgres::Options outside_;
  history::postgres::Options inside_;
  Connection connection_;
  std::unique_ptr<history::HistoryStore> store_;
};

std::vector<Event> inserts(testing::TableStory& story, int count) {
  testing::Rows rows;
  for (int row = 0; row < count; ++row) {
    testing::Values& values = rows[fmt::format("FIN-{:07}", row)];
    for (int column = 0; column < kColumns; ++column) {
      values[fmt::format("column_{}", column)] = fmt::format("{}.25", row * 31 + column);
    }
  }
  return story.next(rows);
}

void publish(eventlog::EventLog& log, const std::vector<Event>& events) {
  auto publication = must(log.publish(events.front().upload.upload_id));
  std::string json;
  std::string key;
  for (const auto& event : events) {
    json.clear();
    append_event_json(json, event);
    key.clear();
    append_message_key(key, event.upload.table, event.key_value);
    must(publication->append({key, json, event.type, event.upload.upload_id}));
  }
  must(publication->await_delivery(std::chrono::steady_clock::now() + 10s));
}

double seconds_to_apply(Schema& schema, eventlog::EventLog& log, const UploadId& upload) {
  io::SystemClock clock;
  consume::Consumer consumer({}, {}, log, schema.store(), schema.store(), clock);
  const Stopwatch watch;
  consumer.start();
  std::uint64_t seen = 0;
  while (true) {
    const auto stored = must(schema.store().upload(upload));
    if (stored && stored->state == history::UploadState::applied) break;
    seen = consumer.wait_for_progress(seen, std::chrono::steady_clock::now() + 1s);
  }
  const double seconds = watch.seconds();
  consumer.stop();
  return seconds;
}

/// The recorded events as COPY lines.
std::string copy_lines(Connection& connection) {
  std::string lines;
  for (std::int64_t last = 0;;) {
    const auto rows = must(
        connection.run({fmt::format("SELECT seq, e.* FROM cdc_events e WHERE seq > {} ORDER BY seq LIMIT {}",
                                    last, kPageRows),
                        {}}));
    for (int i = 0; i < rows.size(); ++i) {
      history::postgres::Row row = rows[i];
      last = row.number();
      constexpr int kEventColumns = 17;
      for (int column = 0; column < kEventColumns; ++column) {
        if (column > 0) lines += '\t';
        if (const auto text = row.optional_text()) {
          history::postgres::append_copy_field(lines, *text);
        } else {
          lines += "\\N";
        }
      }
      lines += '\n';
    }
    if (rows.size() < kPageRows) return lines;
  }
}

double plain_sql(Schema& schema, const std::string& lines) {
  Connection connection = schema.connect();
  const Stopwatch watch;
  must(connection.copy("COPY cdc_events FROM STDIN", lines));
  must(connection.run(
      {"INSERT INTO company_data (company_id, table_name, record_key, data, valid_from, valid_to, "
       "is_current, upload_id) SELECT company_id, table_name, key_value, new_values, effective_at, NULL, "
       "true, upload_id FROM cdc_events",
       {}}));
  return watch.seconds();
}

double decode(const std::vector<Event>& events) {
  std::vector<std::string> messages(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) append_event_json(messages[i], events[i]);
  const Stopwatch watch;
  for (const auto& message : messages) must(parse_event_json(message));
  return watch.seconds();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

void bench_postgres(const std::string& url, int rows) {
  testing::TableStory story("acme");
  const auto events = inserts(story, rows);
  io::SystemClock clock;
  const auto log = eventlog::memory::open({.topic = "cdc-events", .partitions = 3}, clock);
  publish(*log, events);
  fmt::print("history.postgres.{}.decode {:.3f} s\n", rows, decode(events));
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    Schema ours(url, "bench_history_deltadrop");
    Schema theirs(url, "bench_history_plain");
    const double consumed = seconds_to_apply(ours, *log, events.front().upload.upload_id);
    Connection connection = ours.connect();
    const double plain = plain_sql(theirs, copy_lines(connection));
    ratios.push_back(plain / consumed);
    fmt::print("history.postgres.{}.consume {:.3f} s\nhistory.postgres.{}.plain_sql {:.3f} s\n", rows,
               consumed, rows, plain);
  }
  fmt::print("history.postgres.{}.share_of_plain_sql {:.2f} x\n", rows, median(ratios));
}

}  // namespace deltadrop
