#include "api/record_download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "api/answers.hpp"
#include "csv/options.hpp"
#include "csv/record.hpp"
#include "http/accept.hpp"
#include "http/preconditions.hpp"
#include "http/problem.hpp"
#include "io/sha256.hpp"
#include "lake/parquet_file.hpp"
#include "lake/state_file.hpp"

namespace deltadrop::api {
namespace {

constexpr std::int64_t kBatchRecords = 4096;
constexpr std::int64_t kBatchBytes = std::int64_t{256} << 10;
constexpr std::string_view kLineEnd = "\r\n";  // RFC 4180

/// Writes records in one format.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> begin(std::string& out) = 0;
  virtual Result<void> append(std::string& out, const history::StoredRecord& record) = 0;
};

class JsonLines final : public Writer {
 public:
  explicit JsonLines(std::vector<std::string> columns) : values_(std::move(columns)) {}
  Result<void> begin(std::string&) override { return success(); }
  Result<void> append(std::string& out, const history::StoredRecord& record) override {
    DD_TRY(const auto json, record_json(record, values_));
    out += json;
    out += '\n';
    return success();
  }

 private:
  ValuesReader values_;
};

/// Writes a file that can be uploaded again. Null is an empty field. An empty text is quoted; it occurs only
/// in a table with empty=text.
class Csv final : public Writer {
 public:
  explicit Csv(std::vector<std::string> columns) : values_(std::move(columns)) {}

  Result<void> begin(std::string& out) override {
    bool first = true;
    for (const std::string_view name : values_.columns()) {
      if (!first) out += ',';
      first = false;
      // An upload without a delimiter option detects it from the header, so the header must not contain
      // another unquoted delimiter.
      const bool misleading = name.find_first_of(";|~\t") != std::string_view::npos &&
                              name.find_first_of(",\"\r\n") == std::string_view::npos;
      if (misleading) out += '"';
      csv::append_record(out, std::span(&name, 1));
      if (misleading) out += '"';
    }
    out += kLineEnd;
    return success();
  }

  Result<void> append(std::string& out, const history::StoredRecord& record) override {
    DD_TRY(const auto values, values_.read(record.data_json));
    bool first = true;
    for (const auto& value : values) {
      if (!first) out += ',';
      first = false;
      if (value && value->empty()) {
        out += R"("")";
      } else if (value || values.size() == 1) {
        // append_record quotes a lone null, because an empty line is not a record.
        const std::string_view field = value.value_or(std::string_view());
        csv::append_record(out, std::span(&field, 1));
      }
    }
    out += kLineEnd;
    return success();
  }

 private:
  ValuesReader values_;
};

/// Returns the memory of finished downloads to the system: when the last open download ends, and at most once
/// a second before that, so that many small downloads do not each pay for it.
class OpenDownload {
 public:
  OpenDownload() { ++open_; }
  OpenDownload(const OpenDownload&) = delete;
  OpenDownload& operator=(const OpenDownload&) = delete;
  ~OpenDownload() {
    unreleased_ += bytes_;
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    auto last = released_at_.load();
    const bool is_last = --open_ == 0;
    const bool due = std::chrono::steady_clock::duration(now - last) >= kReleaseEvery;
    if (unreleased_ < kWorthReleasing || (!is_last && !due)) return;
    if (!released_at_.compare_exchange_strong(last, now)) return;
    unreleased_ = 0;
    lake::release_unused_memory();
  }

  void made(std::size_t bytes) { bytes_ += bytes; }

 private:
  static constexpr std::chrono::seconds kReleaseEvery{1};
  static constexpr std::size_t kWorthReleasing = std::size_t{1} << 20;
  static inline std::atomic<std::size_t> open_ = 0;
  static inline std::atomic<std::size_t> unreleased_ = 0;  ///< bytes of finished downloads
  static inline std::atomic<std::chrono::steady_clock::rep> released_at_ = 0;

  std::size_t bytes_ = 0;
};

/// Wraps the source so that its memory is released when it ends.
http::BodySource released_at_end(http::BodySource source) {
  struct Counted {
    OpenDownload open;  // first member: destroyed after the source
    http::BodySource source;
  };
  const auto both = std::make_shared<Counted>();
  both->source = std::move(source);
  return [both]() -> Result<std::string> {
    auto piece = both->source();
    if (piece.has_value()) both->open.made(piece.value().size());
    return piece;
  };
}

std::unique_ptr<Writer> writer_of(const RecordDownload& wanted) {
  if (wanted.format == DownloadFormat::csv) return std::make_unique<Csv>(wanted.columns);
  return std::make_unique<JsonLines>(wanted.columns);
}

/// Produces the body in pieces. Holds one batch at a time; each batch is a separate query as of the version's
/// effective_at.
class Pieces {
 public:
  Pieces(history::HistoryReader& history, const RecordDownload& wanted)
      : history_(history), writer_(writer_of(wanted)), left_(wanted.limit) {
    query_.table = wanted.view.shown->table;
    query_.as_of = wanted.view.shown->times.effective_at.value_or(Timestamp{});
    query_.bytes_max = kBatchBytes;
  }

  Result<std::string> next() {
    std::string piece;
    if (!std::exchange(begun_, true)) {
      DD_TRY(writer_->begin(piece));
    }
    // The first piece includes records, so that a history that does not answer still becomes a problem
    // response.
    const auto header_bytes = piece.size();
    while (!ended_ && piece.size() == header_bytes) {
      DD_TRY(append_batch(piece));
    }
    return piece;
  }

 private:
  Result<void> append_batch(std::string& piece) {
    query_.limit = std::min(kBatchRecords, left_);
    DD_TRY(const auto batch, history_.records(query_));
    for (const auto& record : batch) {
      DD_TRY(writer_->append(piece, record));
    }
    left_ -= static_cast<std::int64_t>(batch.size());
    ended_ = batch.empty() || left_ == 0;
    if (!batch.empty()) query_.after_key = batch.back().key;
    return success();
  }

  history::HistoryReader& history_;
  std::unique_ptr<Writer> writer_;
  history::RecordQuery query_;
  std::int64_t left_;
  bool begun_ = false;
  bool ended_ = false;
};

/// Returns a Parquet file of the records. The first piece starts the file, because that may read all records
/// to find the types.
http::BodySource parquet_pieces(history::HistoryReader& history, const RecordDownload& wanted) {
  const auto& shown = *wanted.view.shown;
  const lake::TableState state{{shown.table, *shown.version, shown.times.effective_at.value_or(Timestamp{})},
                               wanted.columns};
  const auto file = std::make_shared<std::optional<lake::StateFile>>();
  return [&history, state, file]() -> Result<std::string> {
    if (!*file) {
      DD_TRY(auto begun, lake::StateFile::begin(history, state, lake::RowGroups::growing));
      file->emplace(std::move(begun));
    }
    return (*file)->next();
  };
}

std::string_view suffix_of(DownloadFormat format) {
  switch (format) {
    case DownloadFormat::csv:
      return "csv";
    case DownloadFormat::json_lines:
      return "ndjson";
    case DownloadFormat::parquet:
      return "parquet";
  }
  return "";
}

std::string_view type_of(DownloadFormat format) {
  switch (format) {
    case DownloadFormat::csv:
      return "text/csv; charset=utf-8";
    case DownloadFormat::json_lines:
      return kRecordTypes[2];
    case DownloadFormat::parquet:
      return kRecordTypes[3];
  }
  return "";
}

void add_view_headers(http::Response& response, const View& view) {
  if (view.shown)
    response.headers.emplace_back("Deltadrop-Version", std::to_string(view.shown->version->value));
  response.headers.emplace_back("Deltadrop-Complete", view.complete ? "true" : "false");
  response.headers.emplace_back("Deltadrop-As-Of", view.as_of.to_string());
  if (view.warning) response.headers.emplace_back("Deltadrop-Warning", *view.warning);
}

/// Returns an entity tag for CSV only: a version's values never change, but valid_to in the other formats
/// does.
std::optional<std::string> etag_of(const RecordDownload& wanted) {
  if (wanted.format != DownloadFormat::csv) return std::nullopt;
  std::string what = csv::format_record({wanted.columns.begin(), wanted.columns.end()});
  what += fmt::format(" {} {}", wanted.limit, suffix_of(wanted.format));
  constexpr std::size_t kDigits = 16;
  return fmt::format("\"{}-{}\"", wanted.view.shown->upload_id.to_string(),
                     io::sha256_of(what).to_hex().substr(0, kDigits));
}

}  // namespace

Result<std::string> record_json(const history::StoredRecord& record, ValuesReader& values) {
  DD_TRY(const auto shown, values.project(record.data_json));
  return JsonObject()
      .text("key", record.key)
      .raw("values", shown)
      .text("valid_from", record.valid_from.to_string())
      .text_or_null("valid_to", text_of(record.valid_to))
      .number("version", record.version.value)
      .text("upload_id", record.upload_id.to_string())
      .take();
}

http::Response record_download(history::HistoryReader& history, const http::Request& request,
                               RecordDownload wanted) {
  http::Response response;
  add_view_headers(response, wanted.view);
  if (const auto etag = etag_of(wanted)) {
    response.headers.emplace_back("ETag", *etag);
    response.headers.emplace_back("Cache-Control", "private, no-cache");
    const auto verdict = http::evaluate_preconditions(request, *etag);
    if (verdict == http::Verdict::failed) return http::problem(http::precondition_failed("these records"));
    if (verdict == http::Verdict::not_modified) {
      response.status = 304;
      return response;
    }
  }
  const auto& shown = *wanted.view.shown;
  response.content_type = type_of(wanted.format);
  response.headers.emplace_back(
      "Content-Disposition",
      fmt::format("attachment; filename=\"{}_{}_v{}.{}\"", shown.table.company_id, shown.table.table_name,
                  shown.version->value, suffix_of(wanted.format)));
  if (wanted.format == DownloadFormat::parquet) {
    response.stream = released_at_end(parquet_pieces(history, wanted));
  } else {
    response.stream =
        released_at_end([pieces = std::make_shared<Pieces>(history, wanted)] { return pieces->next(); });
  }
  return response;
}

Result<http::Response> nothing_to_download(const TableRef& table, const RecordDownload& wanted) {
  if (wanted.format != DownloadFormat::json_lines) {
    return Error{ErrorCode::not_found, "no-such-version",
                 fmt::format("{} had no version at {}", table.to_string(), wanted.view.as_of.to_string()),
                 fmt::format("GET /api/v1/tables/{}/versions lists them", table.to_string())};
  }
  http::Response response;
  response.content_type = type_of(wanted.format);
  add_view_headers(response, wanted.view);
  return response;
}

}  // namespace deltadrop::api
