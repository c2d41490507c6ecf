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

/// What the records of a table are offered as: JSON pages first, then the formats of a download, in order.
inline constexpr auto kRecordTypes = std::to_array<std::string_view>(
    {"application/json", "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"});
inline constexpr auto kDownloadFormats =
    std::to_array<DownloadFormat>({DownloadFormat::csv, DownloadFormat::json_lines, DownloadFormat::parquet});

/// All records of one version, or the first `limit`, by key.
struct RecordDownload {
  View view;
  std::vector<std::string> columns;
  DownloadFormat format = DownloadFormat::csv;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

/// The record as lists show it.
Result<std::string> record_json(const history::StoredRecord& record, ValuesReader& values);

/// Streams them batch by batch, of some hundred kilobytes each; 304 where the client has them already. A
/// history that fails meanwhile breaks the answer off.
http::Response record_download(history::HistoryReader& history, const http::Request& request,
                               RecordDownload wanted);

/// Of a table that had no version then: no lines; a file with a header cannot be told, so it is not_found.
Result<http::Response> nothing_to_download(const TableRef& table, const RecordDownload& wanted);

}  // namespace deltadrop::api
