#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "api/routes.hpp"
#include "http/server.hpp"
#include "io/clock.hpp"
#include "support/fake_services.hpp"
#include "support/raw_client.hpp"

namespace deltadrop::api {

inline const std::string kRecords = "/api/v1/tables/acme/financials/records";

inline Timestamp at(std::string_view text) { return Timestamp::parse(text).value(); }

inline UploadId upload_id(int number) {
  return UploadId::parse(fmt::format("0195f3a0-7c00-7000-8000-{:012}", number)).value();
}

/// The API on a free port, with fakes.
class Api : public ::testing::Test {
 protected:
  explicit Api(http::ServerOptions options = {}) : clock(at("2025-06-01T12:00:00Z")) {
    spdlog::set_level(spdlog::level::err);
    listen_in("UTC", options);
  }

  /// Restarts the server with this time zone for dates.
  void listen_in(std::string_view zone, http::ServerOptions options = {}) {
    options.port = 0;
    Services services{ingest, log, history, history, nullptr, clock};
    services.time_zone = io::TimeZone::find(zone).value();
    server = std::move(http::Server::listen(options, all_routes(services))).value();
  }

  test::RawResponse get(const std::string& target) { return test::fetch(server->address(), "GET", target); }

  /// Returns version `number` of acme/financials with `changes` inserted rows and the first of month `number`
  /// as its timestamp.
  static ingest::UploadRecord version(int number, std::int64_t changes = 1) {
    ingest::UploadRecord record;
    record.upload_id = upload_id(number);
    record.table = {"acme", "financials"};
    record.state = ingest::UploadState::published;
    record.version = Version(number);
    record.file.file_id = "acme_a1b2c3d4";
    record.times.timestamp = at(fmt::format("2025-{:02}-01T00:00:00Z", number));
    record.times.effective_at = record.times.timestamp;
    record.reading.columns = {"id", "revenue"};
    record.reading.tracked = record.reading.columns;
    record.reading.key_column = "id";
    record.outcome.counts = {0, changes, changes, 0, 0};
    return record;
  }

  /// Adds the record and, if `applied`, its status in the history.
  void add(const ingest::UploadRecord& record, bool applied = true) {
    ingest.records.push_back(record);
    if (!applied) return;
    history::UploadStatus status;
    status.facts.upload_id = record.upload_id;
    status.facts.table = record.table;
    status.state = history::UploadState::applied;
    history.statuses[record.upload_id] = status;
  }

  io::ManualClock clock;
  test::FakeIngest ingest;
  test::FakeHistory history;
  test::FakeLog log;
  std::unique_ptr<http::Server> server;
};

/// Succeeds if the body contains `text`. A failure prints the body.
inline ::testing::AssertionResult has(const test::RawResponse& response, std::string_view text) {
  if (response.body.find(text) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << response.status << " " << response.body << "\n has no " << text;
}

/// Returns the next_cursor of a list, or "".
inline std::string next_cursor(const test::RawResponse& response) {
  constexpr std::string_view kName = "\"next_cursor\":\"";
  const auto found = response.body.find(kName);
  if (found == std::string::npos) return "";
  const auto begin = found + kName.size();
  return response.body.substr(begin, response.body.find('"', begin) - begin);
}

}  // namespace deltadrop::api
