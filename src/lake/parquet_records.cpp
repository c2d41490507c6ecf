#include "lake/parquet_records.hpp"

#include <arrow/api.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "core/text.hpp"
#include "lake/event_values.hpp"
#include "lake/parquet_column.hpp"
#include "lake/parquet_stream.hpp"

namespace deltadrop::lake {
namespace {

constexpr std::int64_t kRowGroupRowsMax = 131'072;
constexpr std::int64_t kLargeGroupBytes = std::int64_t{64} << 20;
constexpr std::int64_t kGrowingGroupBytesMin = std::int64_t{1} << 20;
constexpr std::int64_t kGrowingGroupBytesMax = std::int64_t{16} << 20;
/// Keeps the footer of a large file small: the file gets about this many groups each time it grows by a
/// factor of e.
constexpr std::int64_t kGrowingGroups = 64;
/// The approximate size of a row in bytes, without its key and values.
constexpr std::int64_t kOwnBytes = 64;

const std::shared_ptr<arrow::DataType>& moment_type() {
  static const auto type = arrow::timestamp(arrow::TimeUnit::MILLI, "UTC");
  return type;
}

std::shared_ptr<parquet::WriterProperties> writer_properties() {
  parquet::WriterProperties::Builder builder;
  builder.created_by(kCreatedBy)
      ->compression(parquet::Compression::ZSTD)
      ->enable_page_checksum()
      ->enable_write_page_index()
      ->set_sorting_columns({parquet::SortingColumn{0, false, false}});  // the key
  return builder.build();
}

}  // namespace

std::vector<std::string> own_record_columns(const std::vector<std::string>& data_names) {
  std::set<std::string> taken;
  for (const auto& name : data_names) taken.insert(ascii_lower(name));
  std::vector<std::string> own;
  for (std::string name : {"key", "valid_from", "valid_to", "version", "upload_id"}) {
    while (taken.contains(name)) name.insert(0, 1, '_');
    own.push_back(std::move(name));
  }
  return own;
}

Event as_event(const history::StoredRecord& record) {
  Event event;
  event.upload.upload_id = record.upload_id;
  event.upload.version = record.version;
  event.key_value = record.key;
  event.new_values_json = record.data_json;
  return event;
}

struct ParquetRecords::State {
  State(RecordsOf records_of, TableColumns held, std::shared_ptr<SinkStream> sink, RowGroups row_groups)
      : what(std::move(records_of)), columns(std::move(held)), stream(std::move(sink)), groups(row_groups) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { stream->abandon(); }

  Result<void> open(const std::vector<std::string>& shown);
  Result<void> append(const history::StoredRecord& record);
  Result<void> append_value(const history::StoredRecord& record, std::size_t column, std::string_view text);
  Result<void> finish();
  arrow::Status append_own(const history::StoredRecord& record);
  arrow::Status write_row_group();
  [[nodiscard]] std::int64_t group_bytes_max() const;

  RecordsOf what;
  TableColumns columns;
  std::shared_ptr<SinkStream> stream;
  RowGroups groups;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  EventValues values;
  RecordNotations notations;
  std::vector<std::unique_ptr<ParquetColumn>> cells;  ///< in file order
  std::vector<std::optional<std::size_t>> places;     ///< by column: its index in `cells`, if it is shown

  std::int64_t group_rows = 0;
  std::int64_t group_bytes = 0;
  std::int64_t written_bytes = 0;  ///< in the groups before
  arrow::StringBuilder keys;
  arrow::TimestampBuilder valid_from{moment_type(), arrow::default_memory_pool()};
  arrow::TimestampBuilder valid_to{moment_type(), arrow::default_memory_pool()};
  arrow::Int64Builder versions;
  arrow::StringBuilder upload_ids;
};

Result<void> ParquetRecords::State::open(const std::vector<std::string>& shown) {
  const auto own = own_record_columns(shown);
  arrow::FieldVector fields = {arrow::field(own[0], arrow::utf8(), false)};
  places.resize(columns.all().size());
  for (const auto& name : shown) {
    const auto column = columns.find(name);
    if (!column) {
      return Error{ErrorCode::internal, "unknown-column",
                   fmt::format("column {} of {} is to be shown and not known", quoted_for_message(name),
                               what.table.to_string()),
                   "report this with the message"};
    }
    places[*column] = cells.size();
    cells.push_back(ParquetColumn::make(columns.all()[*column].type));
    fields.push_back(arrow::field(name, cells.back()->arrow_type()));
  }
  fields.push_back(arrow::field(own[1], moment_type(), false));
  fields.push_back(arrow::field(own[2], moment_type()));
  fields.push_back(arrow::field(own[3], arrow::int64(), false));
  fields.push_back(arrow::field(own[4], arrow::utf8(), false));
  schema = arrow::schema(std::move(fields));
  auto opened =
      parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), stream, writer_properties());
  DD_TRY(stream->checked(opened.status()));
  writer = std::move(opened).ValueUnsafe();
  return success();
}

Result<void> ParquetRecords::State::append(const history::StoredRecord& record) {
  DD_TRY(values.read(as_event(record), Side::new_values, columns,
                     [&](std::size_t column, std::string_view text) -> Result<void> {
                       return append_value(record, column, text);
                     }));
  DD_TRY(stream->checked(append_own(record)));
  ++group_rows;
  if (group_rows < kRowGroupRowsMax && group_bytes < group_bytes_max()) return success();
  return stream->checked(write_row_group());
}

std::int64_t ParquetRecords::State::group_bytes_max() const {
  if (groups == RowGroups::large) return kLargeGroupBytes;
  return std::clamp(written_bytes / kGrowingGroups, kGrowingGroupBytesMin, kGrowingGroupBytesMax);
}

Result<void> ParquetRecords::State::append_value(const history::StoredRecord& record, std::size_t column,
                                                 std::string_view text) {
  // A row that is older than the removal of a column still has the column, without a value.
  if (!places[column]) return success();
  auto& target = *cells[*places[column]];
  const std::int64_t before = target.length();
  const auto* const declared = notations.find(record.upload_id, columns.all()[column].name);
  const auto needed = target.append(group_rows, text, declared);
  DD_TRY(stream->checked(needed.status()));
  if (*needed != columns.all()[column].type) {
    return Error{ErrorCode::conflict, "state-moved",
                 fmt::format("{} of record {} of {} is no {}", quoted_for_message(columns.all()[column].name),
                             quoted_for_message(record.key), what.table.to_string(),
                             to_string(columns.all()[column].type)),
                 "ask again: the table has changed while it was read"};
  }
  group_bytes += (group_rows + 1 - before) * target.row_bytes() + static_cast<std::int64_t>(text.size());
  return success();
}

arrow::Status ParquetRecords::State::append_own(const history::StoredRecord& record) {
  ARROW_RETURN_NOT_OK(keys.Append(record.key));
  ARROW_RETURN_NOT_OK(valid_from.Append(record.valid_from.unix_ms));
  ARROW_RETURN_NOT_OK(record.valid_to ? valid_to.Append(record.valid_to->unix_ms) : valid_to.AppendNull());
  ARROW_RETURN_NOT_OK(versions.Append(record.version.value));
  group_bytes += static_cast<std::int64_t>(record.key.size()) + kOwnBytes;
  return upload_ids.Append(record.upload_id.to_string());
}

arrow::Status ParquetRecords::State::write_row_group() {
  ARROW_RETURN_NOT_OK(writer->NewRowGroup());
  ARROW_ASSIGN_OR_RAISE(const auto key, keys.Finish());
  ARROW_RETURN_NOT_OK(writer->WriteColumnChunk(*key));
  for (const auto& column : cells) {
    ARROW_ASSIGN_OR_RAISE(const auto array, column->finish(group_rows));
    ARROW_RETURN_NOT_OK(writer->WriteColumnChunk(*array));
  }
  for (arrow::ArrayBuilder* builder :
       std::initializer_list<arrow::ArrayBuilder*>{&valid_from, &valid_to, &versions, &upload_ids}) {
    ARROW_ASSIGN_OR_RAISE(const auto array, builder->Finish());
    ARROW_RETURN_NOT_OK(writer->WriteColumnChunk(*array));
  }
  group_rows = 0;
  written_bytes += std::exchange(group_bytes, 0);
  return arrow::Status::OK();
}

Result<void> ParquetRecords::State::finish() {
  if (group_rows > 0) {
    DD_TRY(stream->checked(write_row_group()));
  }
  DD_TRY(stream->checked(writer->AddKeyValueMetadata(
      arrow::key_value_metadata({"company_id", "table_name", "version", "as_of"},
                                {what.table.company_id, what.table.table_name,
                                 fmt::to_string(what.version.value), what.as_of.to_string()}))));
  DD_TRY(stream->checked(writer->Close()));
  return stream->checked(stream->Close());
}

Result<ParquetRecords> ParquetRecords::create(ByteSink sink, const RecordsOf& what,
                                              const TableColumns& columns,
                                              const std::vector<std::string>& shown, RowGroups groups,
                                              RecordNotations notations) {
  auto state = std::make_unique<State>(what, columns, std::make_shared<SinkStream>(std::move(sink)), groups);
  state->notations = std::move(notations);
  DD_TRY(state->open(shown));
  return ParquetRecords(std::move(state));
}

ParquetRecords::ParquetRecords(std::unique_ptr<State> state) : state_(std::move(state)) {}
ParquetRecords::ParquetRecords(ParquetRecords&&) noexcept = default;
ParquetRecords& ParquetRecords::operator=(ParquetRecords&&) noexcept = default;
ParquetRecords::~ParquetRecords() = default;

Result<void> ParquetRecords::append(const history::StoredRecord& record) { return state_->append(record); }
Result<void> ParquetRecords::finish() { return state_->finish(); }

}  // namespace deltadrop::lake
