#include "api/record_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "api/answers.hpp"
#include "api/parameters.hpp"
#include "http/problem.hpp"
#include "status/progress.hpp"

namespace deltadrop::api {
namespace {

using ingest::UploadRecord;

/// Uploads within the same millisecond get timestamps slightly ahead of the clock.
constexpr std::int64_t kAheadMs = 1'000;

Result<std::optional<UploadRecord>> version_if_in_time(ingest::ArchiveReader& reader, const TableRef& table,
                                                       Version version, Timestamp as_of) {
  DD_TRY(auto found, reader.versions(table, version, 1));
  const bool there = !found.empty() && found.front().version == version;
  if (!there || found.front().times.effective_at.value_or(Timestamp{}) > as_of)
    return std::optional<UploadRecord>();
  return std::optional(std::move(found.front()));
}

/// Returns the last accepted version with effective_at <= as_of. Uses exponential search, because
/// effective_at increases with the version.
Result<std::optional<UploadRecord>> version_at(ingest::ArchiveReader& reader, const TableRef& table,
                                               Timestamp as_of) {
  std::optional<UploadRecord> best;
  std::int64_t beyond = 1;
  while (true) {
    DD_TRY(auto found, version_if_in_time(reader, table, Version(beyond), as_of));
    if (!found) break;
    best = std::move(found);
    beyond *= 2;
  }
  std::int64_t within = best ? best->version->value : 0;
  while (beyond - within > 1) {
    const auto middle = within + (beyond - within) / 2;
    DD_TRY(auto found, version_if_in_time(reader, table, Version(middle), as_of));
    if (found) {
      best = std::move(found);
      within = middle;
    } else {
      beyond = middle;
    }
  }
  return best;
}

/// Returns the view of `accepted`, or of the last applied version before it.
Result<View> view_of(const Services& services, std::optional<UploadRecord> accepted, Timestamp as_of) {
  View view;
  view.as_of = as_of;
  view.shown = std::move(accepted);
  while (view.shown) {
    DD_TRY(const auto progress, status::progress_of(*view.shown, services.history));
    if (progress.applied) break;
    view.complete = false;
    const auto version = *view.shown->version;
    const auto table = view.shown->table;
    view.shown.reset();
    if (version.value > 1) {
      DD_TRY(view.shown, ingest::version_of(services.ingest.reader(), table, Version(version.value - 1)));
    }
  }
  return view;
}

/// Returns the view of a version that the request names by number. Fails if it is not applied; never falls
/// back to an older one.
Result<View> view_of_version(const Services& services, UploadRecord accepted) {
  DD_TRY(const auto progress, status::progress_of(accepted, services.history));
  if (!progress.applied) {
    return Error{
        ErrorCode::conflict, "not-applied-yet",
        fmt::format("version {} of {} (upload {}) is accepted but not applied", accepted.version->value,
                    accepted.table.to_string(), accepted.upload_id.to_string()),
        fmt::format("wait with GET {}?wait=applied, then ask again; without version= you get the "
                    "last applied one",
                    upload_path(accepted.upload_id))};
  }
  View view;
  view.as_of = accepted.times.effective_at.value_or(Timestamp{});
  view.shown = std::move(accepted);
  return view;
}

/// Fails unless the requested version and the requested time select the same rows.
Result<void> check_held_then(const Services& services, const UploadRecord& version,
                             const std::string& as_of) {
  DD_TRY(const auto time, parse_time("as_of", as_of, io::BareDate::end_of_day, services.time_zone));
  DD_TRY(const auto held, version_at(services.ingest.reader(), version.table, time));
  if (held && held->version == version.version) return success();
  const auto then = held ? fmt::format("version {}", held->version->value) : std::string("no version");
  return Error{ErrorCode::conflict, "other-version-then",
               fmt::format("at {} {} of {} held, not version {}", time.to_string(), then,
                           version.table.to_string(), version.version->value),
               "give as_of or version alone"};
}

/// Explains why a request for the present by time returns an old version: the clock was ahead when the newest
/// version was accepted.
Result<std::optional<std::string>> warning_of(const Services& services, const TableRef& table,
                                              Timestamp as_of) {
  DD_TRY(const auto known, services.ingest.reader().table(table));
  if (!known) return std::optional<std::string>();
  const auto newest = known->last.times.effective_at.value_or(Timestamp{});
  if (newest <= as_of || newest <= services.clock.now().plus_ms(kAheadMs))
    return std::optional<std::string>();
  return std::optional(fmt::format(
      "version {} of {} holds from {}, which is in the future: the server's clock was ahead when it "
      "was accepted, or is behind now; leave out as_of to see it",
      known->last.version->value, table.to_string(), newest.to_string()));
}

}  // namespace

Result<View> view_asked_for(const Services& services, const TableRef& table, const http::Request& request) {
  const auto as_of = request.query_value("as_of");
  const auto version = request.query_value("version");
  if (version) {
    DD_TRY(const auto number, parse_positive("version", *version));
    DD_TRY(auto accepted, ingest::version_of(services.ingest.reader(), table, Version(number)));
    if (as_of) {
      DD_TRY(check_held_then(services, accepted, *as_of));
    }
    return view_of_version(services, std::move(accepted));
  }
  // The present is the last version, even if its time is slightly ahead of the clock (see UploadRecord).
  Timestamp time{std::numeric_limits<std::int64_t>::max()};
  if (as_of) {
    DD_TRY(time, parse_time("as_of", *as_of, io::BareDate::end_of_day, services.time_zone));
  }
  DD_TRY(auto accepted, version_at(services.ingest.reader(), table, time));
  if (!as_of) {
    const auto last = accepted ? accepted->times.effective_at.value_or(Timestamp{}) : Timestamp{};
    time = std::max(services.clock.now(), last);
  }
  DD_TRY(auto view, view_of(services, std::move(accepted), time));
  if (as_of) {
    DD_TRY(view.warning, warning_of(services, table, time));
  }
  return view;
}

}  // namespace deltadrop::api
