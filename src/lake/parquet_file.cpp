#include "lake/parquet_file.hpp"

#include <arrow/api.h>
#include <arrow/memory_pool.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <malloc.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "lake/event_values.hpp"
#include "lake/parquet_column.hpp"
#include "lake/parquet_stream.hpp"

namespace deltadrop::lake {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

constexpr std::int64_t kRowGroupRowsMax = 131'072;
constexpr std::int64_t kRowGroupBytesMax = std::int64_t{64} << 20;
constexpr std::int64_t kRowsWorthReleasing = 10'000;

/// Consecutive rows of a row group that belong to one upload.
struct Run {
  UploadFacts upload;
  std::int64_t rows = 0;
};

/// Returns the fields of an event in the order of the file's columns. The value columns follow them.
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

/// `several`: the file contains several consecutive versions.
std::shared_ptr<parquet::WriterProperties> writer_properties(const arrow::Schema& schema, bool several) {
  std::vector<parquet::SortingColumn> order;
  if (several) order.push_back({schema.GetFieldIndex("version"), false, false});
  order.push_back({schema.GetFieldIndex("key_value"), false, false});
  parquet::WriterProperties::Builder builder;
  builder.created_by(kCreatedBy)
      ->compression(parquet::Compression::ZSTD)
      ->enable_page_checksum()
      ->enable_write_page_index()
      ->set_sorting_columns(std::move(order));
  // All values of these columns differ, so a dictionary would be built and discarded.
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

}  // namespace

struct ParquetFile::State {
  State(UploadFacts facts, const std::optional<VersionRange>& range, TableColumns& held,
        std::shared_ptr<SinkStream> sink)
      : upload(std::move(facts)), versions(range), columns(held), stream(std::move(sink)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { stream->abandon(); }

  void read_as(const Notations& upload_notations);
  Result<void> open();
  Result<void> append(const Event& event);
  Result<void> append_value(const Event& event, Side side, std::size_t column, std::string_view text);
  Result<void> finish();

  arrow::Status append_fields(const Event& event);
  arrow::Status write_row_group();
  arrow::Result<arrow::ArrayVector> take_fields();
  [[nodiscard]] std::shared_ptr<const arrow::KeyValueMetadata> footer() const;

  UploadFacts upload;  ///< of the next events
  std::optional<VersionRange> versions;
  std::vector<Run> runs;  ///< in the current row group
  TableColumns& columns;
  std::shared_ptr<SinkStream> stream;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  EventValues values;
  Notations notations;                                                     ///< of `upload`
  std::array<std::vector<const DeclaredType*>, kSides.size()> declared{};  ///< by side and column
  std::array<std::vector<std::unique_ptr<ParquetColumn>>, kSides.size()>
      cells;  // by side; empty unless it fits

  bool fits = true;
  std::int64_t rows = 0;        // in the file
  std::int64_t group_rows = 0;  // in the current row group
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
};

Result<void> ParquetFile::State::open() {
  auto fields = event_fields();
  for (const auto& column : columns.all()) {
    for (const auto side : kSides) {
      auto& added = cells[static_cast<std::size_t>(side)].emplace_back(ParquetColumn::make(column.type));
      const auto* prefix = side == Side::old_values ? "old_" : "new_";
      fields.push_back(arrow::field(prefix + column.name, added->arrow_type()));
    }
  }
  schema = arrow::schema(std::move(fields));
  auto opened = parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), stream,
                                                 writer_properties(*schema, versions.has_value()));
  DD_TRY(stream->checked(opened.status()));
  writer = std::move(opened).ValueUnsafe();
  return success();
}

void ParquetFile::State::read_as(const Notations& upload_notations) {
  notations = upload_notations;
  for (const auto side : kSides) {
    declared[static_cast<std::size_t>(side)] = notations.by_column(side, columns);
  }
}

Result<void> ParquetFile::State::append(const Event& event) {
  if (event.upload.upload_id != upload.upload_id) {
    return bad_event(event, "stands among the events of upload " + upload.upload_id.to_string());
  }
  for (const auto side : kSides) {
    DD_TRY(values.read(event, side, columns, [&](std::size_t column, std::string_view text) {
      return append_value(event, side, column, text);
    }));
  }
  if (!fits) return success();
  if (runs.empty() || runs.back().upload.upload_id != upload.upload_id) runs.push_back({upload, 0});
  ++runs.back().rows;
  DD_TRY(stream->checked(append_fields(event)));
  ++rows;
  ++group_rows;
  if (group_rows < kRowGroupRowsMax && group_bytes < kRowGroupBytesMax) return success();
  return stream->checked(write_row_group());
}

Result<void> ParquetFile::State::append_value(const Event& event, Side side, std::size_t column,
                                              std::string_view text) {
  const auto type = columns.all()[column].type;
  const auto* const read_under = declared[static_cast<std::size_t>(side)][column];
  if (!fits) {
    if (type != ColumnType::string) columns.widen(column, typed_under(read_under, text).type, event, text);
    return success();
  }
  auto& target = *cells[static_cast<std::size_t>(side)][column];
  const std::int64_t before = target.length();
  const auto needed = target.append(group_rows, text, read_under);
  DD_TRY(stream->checked(needed.status()));
  if (*needed != type) {
    columns.widen(column, *needed, event, text);
    fits = false;
    for (auto& each : cells) each.clear();
    return success();
  }
  group_bytes += (group_rows + 1 - before) * target.row_bytes();
  if (type == ColumnType::string) group_bytes += static_cast<std::int64_t>(text.size());
  return success();
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
  // These columns have the same value for all events of an upload.
  const auto shared = [this](const auto& value_of) -> arrow::Result<ArrayPtr> {
    arrow::ArrayVector parts;
    for (const auto& run : runs) {
      const std::shared_ptr<arrow::Scalar> value = value_of(run.upload);
      ARROW_ASSIGN_OR_RAISE(parts.emplace_back(), arrow::MakeArrayFromScalar(*value, run.rows));
    }
    return parts.size() == 1 ? arrow::Result<ArrayPtr>(parts.front()) : arrow::Concatenate(parts);
  };
  using Facts = const UploadFacts&;
  const auto built = std::to_array<arrow::Result<ArrayPtr>>(
      {event_ids.Finish(), event_types.Finish(),
       shared([](Facts of) { return arrow::MakeScalar(of.table.company_id); }),
       shared([](Facts of) { return arrow::MakeScalar(of.table.table_name); }),
       shared([](Facts of) { return moment(of.timestamp); }),
       shared([](Facts of) { return moment(of.effective_at); }), key_columns.Finish(), key_values.Finish(),
       changed_columns.Finish(), shared([](Facts of) { return arrow::MakeScalar(of.upload_id.to_string()); }),
       shared([](Facts of) { return arrow::MakeScalar(of.file_id); }),
       shared([](Facts of) { return arrow::MakeScalar(of.file_sha256.to_hex()); }),
       shared([](Facts of) { return arrow::MakeScalar(of.version.value); }),
       shared([](Facts of) { return text_or_null(of.types_json); }), shared([](Facts of) {
         return text_or_null(of.previous_upload_id ? std::optional(of.previous_upload_id->to_string())
                                                   : std::nullopt);
       }),
       seqs.Finish(), shared([](Facts of) { return arrow::MakeScalar(of.total); }), lines.Finish()});
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
  for (std::size_t i = 0; i < columns.all().size(); ++i) {
    for (auto& side : cells) {
      ARROW_ASSIGN_OR_RAISE(const auto array, side[i]->finish(group_rows));
      ARROW_RETURN_NOT_OK(writer->WriteColumnChunk(*array));
    }
  }
  runs.clear();
  group_rows = 0;
  group_bytes = 0;
  return arrow::Status::OK();
}

Result<void> ParquetFile::State::finish() {
  if (group_rows > 0) {
    DD_TRY(stream->checked(write_row_group()));
  }
  DD_TRY(stream->checked(writer->AddKeyValueMetadata(footer())));
  DD_TRY(stream->checked(writer->Close()));
  return stream->checked(stream->Close());
}

std::shared_ptr<const arrow::KeyValueMetadata> ParquetFile::State::footer() const {
  if (versions) {
    return arrow::key_value_metadata({"versions"},
                                     {fmt::format("{}-{}", versions->first.value, versions->last.value)});
  }
  return arrow::key_value_metadata(
      {"upload_id", "file_sha256", "version"},
      {upload.upload_id.to_string(), upload.file_sha256.to_hex(), fmt::to_string(upload.version.value)});
}

void release_unused_memory() {
  arrow::default_memory_pool()->ReleaseUnused();
  ::malloc_trim(0);
}

Result<ParquetFile> ParquetFile::create(ByteSink sink, const UploadFacts& upload, const Notations& notations,
                                        TableColumns& columns, const std::optional<VersionRange>& versions) {
  auto stream = std::make_shared<SinkStream>(std::move(sink));
  auto state = std::make_unique<State>(upload, versions, columns, std::move(stream));
  state->read_as(notations);
  DD_TRY(state->open());
  return ParquetFile(std::move(state));
}

ParquetFile::ParquetFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ParquetFile::ParquetFile(ParquetFile&&) noexcept = default;
ParquetFile& ParquetFile::operator=(ParquetFile&&) noexcept = default;
ParquetFile::~ParquetFile() {
  const bool large = state_ != nullptr && state_->rows > kRowsWorthReleasing;
  state_.reset();
  // Arrow's pool may keep unused memory permanently, and the next large file may be a month away.
  if (large) arrow::default_memory_pool()->ReleaseUnused();
}

void ParquetFile::next_upload(const UploadFacts& upload, const Notations& notations) {
  state_->upload = upload;
  state_->read_as(notations);
}
Result<void> ParquetFile::append(const Event& event) { return state_->append(event); }
Result<void> ParquetFile::finish() {
  DD_ASSERT(fits());
  return state_->finish();
}
bool ParquetFile::fits() const { return state_->fits; }
std::int64_t ParquetFile::rows() const { return state_->rows; }

}  // namespace deltadrop::lake
