#include "parquet_rows.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <stdexcept>

namespace deltadrop::testing {
namespace {

template <class T>
T value_of(arrow::Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return std::move(result).ValueUnsafe();
}

std::string text_of(const arrow::Scalar& scalar) {
  if (scalar.type->id() != arrow::Type::LIST) return scalar.ToString();
  const auto& list = *dynamic_cast<const arrow::ListScalar&>(scalar).value;
  std::string text = "[";
  for (std::int64_t i = 0; i < list.length(); ++i) {
    if (i > 0) text += ", ";
    text += value_of(list.GetScalar(i))->ToString();
  }
  return text + "]";
}

void read_footer(const parquet::FileMetaData& footer, ParquetRows& out) {
  out.created_by = footer.created_by();
  if (footer.key_value_metadata() != nullptr) {
    for (const auto& [key, value] : footer.key_value_metadata()->sorted_pairs()) out.metadata[key] = value;
  }
  out.row_groups = footer.num_row_groups();
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const auto row_group = footer.RowGroup(group);
    if (row_group->sorting_columns().size() == 1)
      out.sorting_column = row_group->sorting_columns()[0].column_idx;
    for (int i = 0; i < row_group->num_columns(); ++i) {
      const auto chunk = row_group->ColumnChunk(i);
      out.zstd = out.zstd && chunk->compression() == parquet::Compression::ZSTD;
      out.statistics = out.statistics && chunk->is_stats_set();
      out.page_index = out.page_index && chunk->GetOffsetIndexLocation().has_value();
    }
  }
}

}  // namespace

ParquetRows read_parquet(const std::filesystem::path& path, std::int64_t every) {
  auto file = value_of(arrow::io::ReadableFile::Open(path.string()));
  auto reader = value_of(parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
  ParquetRows out;
  read_footer(*reader->parquet_reader()->metadata(), out);
  const auto table = value_of(reader->ReadTable());
  out.rows.resize(static_cast<std::size_t>((table->num_rows() + every - 1) / every));
  for (const auto& field : table->schema()->fields()) {
    out.columns.push_back(field->name());
    out.types[field->name()] = field->type()->ToString();
    const auto column = table->GetColumnByName(field->name());
    for (std::size_t row = 0; row < out.rows.size(); ++row) {
      const auto scalar = value_of(column->GetScalar(static_cast<std::int64_t>(row) * every));
      auto& cell = out.rows[row][field->name()];
      if (scalar->is_valid) cell = text_of(*scalar);
    }
  }
  return out;
}

}  // namespace deltadrop::testing
