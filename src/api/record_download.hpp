#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "api/record_view.hpp"
#include "api/values_reader.hpp"
#include "history/history_reader.hpp"

namespace deltadrop::api {

enum class DownloadFormat : std::uint8_t { csv, json_lines, parquet };

/// The media types that a table's records are available in: JSON pages first, then the download formats, in
/// the order of kDownloadFormats.
inline constexpr auto kRecordTypes = std::to_array<std::string_view>(
    {"application/json", "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"});
inline constexpr auto kDownloadFormats =
    std::to_array<DownloadFormat>({DownloadFormat::csv, DownloadFormat::json_lines, DownloadFormat::parquet});

/// A request for all records of one version, or for the first `limit`, in key order.
struct RecordDownload {
  View view;
  std::vector<std::string> columns;
  DownloadFormat format = DownloadFormat::csv;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

/// Returns the record as the JSON object that lists contain.
Result<std::string> record_json(const history::StoredRecord& record, ValuesReader& values);

/// Streams the records in batches of some hundred kilobytes. Returns 304 if the client already has them, and
/// 412 if a precondition fails. If the history fails during the download, the response is aborted.
http::Response record_download(history::HistoryReader& history, const http::Request& request,
                               RecordDownload wanted);

/// Returns the response for a table that has no version at that time: an empty body for JSON lines. The other
/// formats need a header, whose columns are unknown, so they fail with not_found "no-such-version".
Result<http::Response> nothing_to_download(const TableRef& table, const RecordDownload& wanted);

}  // namespace deltadrop::api
