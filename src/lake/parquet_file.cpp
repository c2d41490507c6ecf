#include "lake/parquet_file.hpp"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "io/file.hpp"

namespace deltadrop::lake {
namespace {

namespace json = simdjson::ondemand;
using ArrayPtr = std::shared_ptr<arrow::Array>;

constexpr std::int64_t kRowGroupRowsMax = 131'072;
constexpr std::int64_t kRowGroupBytesMax = std::int64_t{64} << 20;
constexpr std::size_t kStreamBufferBytes = std::size_t{256} << 10;
/// Stands in every file in place of a library's version, which would make equal events unequal bytes. The
/// number is that of the format in docs/lake.md.
constexpr const char* kCreatedBy = "deltadrop version 1.0.0";

/// Hands Parquet's bytes to an io::File and keeps the first failure, which Arrow's own Status cannot carry.
class FileStream final : public arrow::io::OutputStream {
 public:
  explicit FileStream(io::File file) : file_(std::move(file)) { buffer_.reserve(kStreamBufferBytes); }

  arrow::Status Write(const void* data, std::int64_t size) override {
    const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
    if (buffer_.size() + bytes.size() > kStreamBufferBytes) ARROW_RETURN_NOT_OK(Flush());
    position_ += size;
    if (bytes.size() >= kStreamBufferBytes) return keep(file_.write(bytes));
    buffer_ += bytes;
    return status();
  }

  arrow::Status Flush() override {
    ARROW_RETURN_NOT_OK(status());
    if (!buffer_.empty()) ARROW_RETURN_NOT_OK(keep(file_.write(buffer_)));
    buffer_.clear();
    return status();
  }

  arrow::Result<std::int64_t> Tell() const override { return position_; }
  /// Arrow's meaning of closed; the descriptor stays open for `sync_and_close`.
  arrow::Status Close() override {
    closed_ = true;
    return Flush();
  }
  [[nodiscard]] bool closed() const override { return closed_; }

  Result<void> sync_and_close() {
    DD_TRY(file_.sync());
    return file_.close();
  }

  /// No byte is written from now on: Parquet's destructor would still write a footer.
  void abandon() {
    if (!error_) error_ = Error{ErrorCode::internal, "abandoned", "the file was given up", ""};
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  arrow::Status keep(const Result<void>& outcome) {
    if (!outcome.has_value() && !error_) error_ = outcome.error();
    return status();
  }
  [[nodiscard]] arrow::Status status() const {
    return error_ ? arrow::Status::IOError(error_->message) : arrow::Status::OK();
  }

  io::File file_;
  std::string buffer_;
  std::int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

/// One value column of a row group, built from values as text. A column of another type is another subclass.
class ValueColumn {
 public:
  virtual ~ValueColumn() = default;

  /// Null in the rows since the last value.
  arrow::Status append(std::int64_t row, std::string_view text) {
    ARROW_RETURN_NOT_OK(pad(row));
    return append_text(text);
  }
  /// Rows that are filled.
  std::int64_t length() { return builder().length(); }
  arrow::Result<ArrayPtr> finish(std::int64_t rows) {
    ARROW_RETURN_NOT_OK(pad(rows));
    return builder().Finish();
  }
  std::shared_ptr<arrow::DataType> type() { return builder().type(); }

 protected:
  virtual arrow::ArrayBuilder& builder() = 0;
  virtual arrow::Status append_text(std::string_view text) = 0;

 private:
  arrow::Status pad(std::int64_t rows) {
    return rows > length() ? builder().AppendNulls(rows - length()) : arrow::Status::OK();
  }
};

class TextColumn final : public ValueColumn {
 protected:
  arrow::ArrayBuilder& builder() override { return builder_; }
  arrow::Status append_text(std::string_view text) override { return builder_.Append(text); }

 private:
  arrow::StringBuilder builder_;
};

Result<std::unique_ptr<ValueColumn>> make_value_column(const history::LakeColumn& column) {
  if (column.type == "string") return std::unique_ptr<ValueColumn>(std::make_unique<TextColumn>());
  return Error{ErrorCode::corrupt, "lake-column-type",
               fmt::format("column {} of the lake has the unknown type {}", quoted_for_message(column.name),
                           quoted_for_message(column.type)),
               "run the version of deltadrop that wrote it, or a later one"};
}

/// All values of one side (old or new) of a row group.
struct Side {
  std::vector<std::unique_ptr<ValueColumn>> columns;
  std::vector<std::size_t>
      order;  ///< by place in the event's object: the column that was there in the last event
};

/// What stands in an event's fields, in the order of the file's columns. The value columns follow.
arrow::FieldVector event_fields() {
  const auto text = [](const char* name) { return arrow::field(name, arrow::utf8(), false); };
  const auto number = [](const char* name) { return arrow::field(name, arrow::int64(), false); };
  const auto moment = [](const char* name) {
    return arrow::field(name, arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), false);
  };
  return {text("event_id"),
          text("event_type"),
          text("company_id"),
          text("table_name"),
          moment("timestamp"),
          moment("effective_at"),
          text("key_column"),
          text("key_value"),
          arrow::field("changed_columns", arrow::list(arrow::field("element", arrow::utf8(), false)), false),
          text("upload_id"),
          text("file_id"),
          text("file_sha256"),
          number("version"),
          arrow::field("types", arrow::utf8()),
          arrow::field("previous_upload_id", arrow::utf8()),
          number("seq"),
          number("total"),
          number("line")};
}

std::shared_ptr<parquet::WriterProperties> writer_properties(const arrow::Schema& schema) {
  parquet::WriterProperties::Builder builder;
  builder.created_by(kCreatedBy)
      ->compression(parquet::Compression::ZSTD)
      ->enable_page_checksum()
      ->enable_write_page_index()
      ->set_sorting_columns({parquet::SortingColumn{schema.GetFieldIndex("key_value"), false, false}});
  // All their values differ: a dictionary would be built and thrown away.
  for (const auto* unique : {"event_id", "key_value", "seq"}) builder.disable_dictionary(unique);
  return builder.build();
}

std::shared_ptr<arrow::Scalar> text_or_null(const std::optional<std::string>& text) {
  return text ? arrow::MakeScalar(*text) : arrow::MakeNullScalar(arrow::utf8());
}

std::shared_ptr<arrow::Scalar> moment(const Timestamp& timestamp) {
  return std::make_shared<arrow::TimestampScalar>(timestamp.unix_ms,
                                                  arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"));
}

Error bad_event(const Event& event, std::string_view problem) {
  return {
      ErrorCode::corrupt, "lake-event",
      fmt::format("event {} of upload {} {}", event.seq.value, event.upload.upload_id.to_string(), problem),
      "restore the history from a backup, or fill an empty one with `deltadrop republish`"};
}

}  // namespace

struct ParquetFile::State {
  State(UploadFacts facts, std::span<const history::LakeColumn> named, std::shared_ptr<FileStream> sink)
      : upload(std::move(facts)), stream(std::move(sink)) {
    for (const auto& column : named) names.push_back(column.name);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { stream->abandon(); }

  Result<void> open(std::span<const history::LakeColumn> columns);
  Result<void> append(const Event& event);
  Result<void> append_values(const Event& event, Side& side, std::string_view values);
  Result<std::size_t> column_at(const Event& event, Side& side, std::size_t place, std::string_view name);
  Result<void> finish();

  /// Of `status`, as an Error of ours.
  [[nodiscard]] Result<void> checked(const arrow::Status& status) const;
  arrow::Status append_fields(const Event& event);
  arrow::Status write_row_group();
  arrow::Result<arrow::ArrayVector> take_fields();

  UploadFacts upload;
  std::vector<std::string> names;  ///< of the value columns, in byte order
  std::shared_ptr<FileStream> stream;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  json::parser parser;
  std::string padded;

  std::int64_t rows = 0;        // of the file
  std::int64_t group_rows = 0;  // of the row group being built
  std::int64_t group_bytes = 0;
  arrow::StringBuilder event_ids;
  arrow::StringBuilder event_types;
  arrow::StringBuilder key_columns;
  arrow::StringBuilder key_values;
  std::shared_ptr<arrow::StringBuilder> changed = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder changed_columns{arrow::default_memory_pool(), changed,
                                     arrow::list(arrow::field("element", arrow::utf8(), false))};
  arrow::Int64Builder seqs;
  arrow::Int64Builder lines;
  Side old_side;
  Side new_side;
};

Result<void> ParquetFile::State::checked(const arrow::Status& status) const {
  if (status.ok()) return success();
  if (stream->error()) return *stream->error();
  if (status.IsOutOfMemory()) {
    return Error{ErrorCode::unavailable, "out-of-memory", "no memory for a Parquet file: " + status.message(),
                 "free some memory, then try again"};
  }
  return Error{ErrorCode::internal, "parquet", "cannot write a Parquet file: " + status.ToString(),
               "report this with the message"};
}

Result<void> ParquetFile::State::open(std::span<const history::LakeColumn> columns) {
  auto fields = event_fields();
  for (const auto& column : columns) {
    for (auto [side, prefix] : {std::pair(&old_side, "old_"), std::pair(&new_side, "new_")}) {
      DD_TRY(auto built, make_value_column(column));
      fields.push_back(arrow::field(prefix + column.name, built->type()));
      side->columns.push_back(std::move(built));
    }
  }
  schema = arrow::schema(std::move(fields));
  auto opened = parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), stream,
                                                 writer_properties(*schema));
  DD_TRY(checked(opened.status()));
  writer = std::move(opened).ValueUnsafe();
  return success();
}

Result<void> ParquetFile::State::append(const Event& event) {
  if (event.upload.upload_id != upload.upload_id) {
    return bad_event(event, "stands among the events of upload " + upload.upload_id.to_string());
  }
  DD_TRY(append_values(event, old_side, event.old_values_json));
  DD_TRY(append_values(event, new_side, event.new_values_json));
  DD_TRY(checked(append_fields(event)));
  ++rows;
  ++group_rows;
  if (group_rows < kRowGroupRowsMax && group_bytes < kRowGroupBytesMax) return success();
  return checked(write_row_group());
}

Result<void> ParquetFile::State::append_values(const Event& event, Side& side, std::string_view values) {
  if (values.empty()) return success();
  padded.reserve(values.size() + simdjson::SIMDJSON_PADDING);
  padded = values;
  json::document document;
  json::object object;
  if (parser.iterate(simdjson::padded_string_view(padded.data(), padded.size(), padded.capacity()))
              .get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return bad_event(event, "has values that are not a JSON object");
  }
  std::size_t place = 0;
  for (auto field : object) {
    std::string_view name;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS)
      return bad_event(event, "has values that are cut off");
    DD_TRY(const auto index, column_at(event, side, place++, name));
    auto value = field.value();
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) continue;
    std::string_view text;
    auto& column = *side.columns[index];
    if (value.get_string().get(text) != simdjson::SUCCESS || column.length() > group_rows) {
      return bad_event(
          event, fmt::format("has not one text or null in column {}", quoted_for_message(names[index])));
    }
    group_bytes += static_cast<std::int64_t>(text.size());
    DD_TRY(checked(column.append(group_rows, text)));
  }
  return success();
}

Result<std::size_t> ParquetFile::State::column_at(const Event& event, Side& side, std::size_t place,
                                                  std::string_view name) {
  if (place < side.order.size() && names[side.order[place]] == name) return side.order[place];
  const auto found = std::lower_bound(names.begin(), names.end(), name);
  if (found == names.end() || *found != name) {
    return bad_event(event, fmt::format("has column {}, which the first event of its type has not",
                                        quoted_for_message(name)));
  }
  const auto index = static_cast<std::size_t>(found - names.begin());
  if (place >= side.order.size()) side.order.resize(place + 1);
  side.order[place] = index;
  return index;
}

arrow::Status ParquetFile::State::append_fields(const Event& event) {
  ARROW_RETURN_NOT_OK(event_ids.Append(event.event_id.to_string()));
  ARROW_RETURN_NOT_OK(event_types.Append(to_string(event.type)));
  ARROW_RETURN_NOT_OK(key_columns.Append(event.key_column));
  ARROW_RETURN_NOT_OK(key_values.Append(event.key_value));
  ARROW_RETURN_NOT_OK(changed_columns.Append());
  for (const auto& column : event.changed_columns) ARROW_RETURN_NOT_OK(changed->Append(column));
  ARROW_RETURN_NOT_OK(seqs.Append(event.seq.value));
  group_bytes += static_cast<std::int64_t>(event.key_value.size());
  return lines.Append(event.line.value);
}

arrow::Result<arrow::ArrayVector> ParquetFile::State::take_fields() {
  const auto constant = [this](const std::shared_ptr<arrow::Scalar>& value) {
    return arrow::MakeArrayFromScalar(*value, group_rows);
  };
  std::optional<std::string> previous;
  if (upload.previous_upload_id) previous = upload.previous_upload_id->to_string();
  const std::array<arrow::Result<ArrayPtr>, 18> built = {
      event_ids.Finish(),
      event_types.Finish(),
      constant(arrow::MakeScalar(upload.table.company_id)),
      constant(arrow::MakeScalar(upload.table.table_name)),
      constant(moment(upload.timestamp)),
      constant(moment(upload.effective_at)),
      key_columns.Finish(),
      key_values.Finish(),
      changed_columns.Finish(),
      constant(arrow::MakeScalar(upload.upload_id.to_string())),
      constant(arrow::MakeScalar(upload.file_id)),
      constant(arrow::MakeScalar(upload.file_sha256.to_hex())),
      constant(arrow::MakeScalar(upload.version.value)),
      constant(text_or_null(upload.types_json)),
      constant(text_or_null(previous)),
      seqs.Finish(),
      constant(arrow::MakeScalar(upload.total)),
      lines.Finish()};
  arrow::ArrayVector arrays;
  for (const auto& each : built) {
    ARROW_RETURN_NOT_OK(each.status());
    arrays.push_back(each.ValueUnsafe());
  }
  return arrays;
}

arrow::Status ParquetFile::State::write_row_group() {
  ARROW_ASSIGN_OR_RAISE(const auto fields, take_fields());
  ARROW_RETURN_NOT_OK(writer->NewRowGroup());
  for (const auto& array : fields) ARROW_RETURN_NOT_OK(writer->WriteColumnChunk(*array));
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (auto* side : {&old_side, &new_side}) {
      ARROW_ASSIGN_OR_RAISE(const auto array, side->columns[i]->finish(group_rows));
      ARROW_RETURN_NOT_OK(writer->WriteColumnChunk(*array));
    }
  }
  group_rows = 0;
  group_bytes = 0;
  return arrow::Status::OK();
}

Result<void> ParquetFile::State::finish() {
  if (group_rows > 0) {
    DD_TRY(checked(write_row_group()));
  }
  DD_TRY(checked(writer->AddKeyValueMetadata(arrow::key_value_metadata(
      {"upload_id", "file_sha256", "version"},
      {upload.upload_id.to_string(), upload.file_sha256.to_hex(), fmt::to_string(upload.version.value)}))));
  DD_TRY(checked(writer->Close()));
  DD_TRY(checked(stream->Close()));
  return stream->sync_and_close();
}

Result<ParquetFile> ParquetFile::create(const std::filesystem::path& path, const UploadFacts& upload,
                                        std::span<const history::LakeColumn> columns) {
  DD_TRY(auto file, io::File::create(path));
  auto state = std::make_unique<State>(upload, columns, std::make_shared<FileStream>(std::move(file)));
  DD_TRY(state->open(columns));
  return ParquetFile(std::move(state));
}

ParquetFile::ParquetFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ParquetFile::ParquetFile(ParquetFile&&) noexcept = default;
ParquetFile& ParquetFile::operator=(ParquetFile&&) noexcept = default;
ParquetFile::~ParquetFile() = default;

Result<void> ParquetFile::append(const Event& event) { return state_->append(event); }
Result<void> ParquetFile::finish() { return state_->finish(); }
std::int64_t ParquetFile::rows() const { return state_->rows; }

}  // namespace deltadrop::lake
