#include "lake/parquet_column.hpp"

#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <type_traits>

#include "lake/notations.hpp"

namespace deltadrop::lake {
namespace {

constexpr int kPrecision = 38;

std::shared_ptr<arrow::DataType> arrow_type_of(ColumnType type) {
  if (const auto scale = scale_of(type)) return arrow::decimal128(kPrecision, *scale);
  switch (type) {
    case ColumnType::boolean:
      return arrow::boolean();
    case ColumnType::int64:
      return arrow::int64();
    case ColumnType::date:
      return arrow::date32();
    case ColumnType::timestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    default:
      return arrow::utf8();
  }
}

/// A string column. A column without values is one too.
class TextColumn final : public ParquetColumn {
 public:
  explicit TextColumn(ColumnType type) : ParquetColumn(type) {}

  [[nodiscard]] std::int64_t row_bytes() const override { return sizeof(std::int32_t); }

 private:
  arrow::ArrayBuilder& builder() override { return builder_; }
  arrow::Result<ColumnType> append_next(std::string_view text, const DeclaredType* declared) override {
    if (type() == ColumnType::null) return typed_under(declared, text).type;
    ARROW_RETURN_NOT_OK(builder_.Append(text));
    return type();
  }

  arrow::StringBuilder builder_;
};

/// A column whose cells are of C++ type `Cell`.
template <class Builder, class Cell>
class NumberColumn final : public ParquetColumn {
 public:
  explicit NumberColumn(ColumnType type)
      : ParquetColumn(type), builder_(arrow_type_of(type), arrow::default_memory_pool()) {}

  [[nodiscard]] std::int64_t row_bytes() const override { return sizeof(Cell); }

 private:
  arrow::ArrayBuilder& builder() override { return builder_; }
  arrow::Result<ColumnType> append_next(std::string_view text, const DeclaredType* declared) override {
    const auto value = typed_under(declared, text);
    const auto needed = joined(type(), value.type);
    if (needed != type()) return needed;
    const Int128 number = converted(value.number, value.type, type());
    if constexpr (std::is_same_v<Cell, arrow::Decimal128>) {
      ARROW_RETURN_NOT_OK(builder_.Append(
          arrow::Decimal128(static_cast<std::int64_t>(number >> 64U), static_cast<std::uint64_t>(number))));
    } else {
      ARROW_RETURN_NOT_OK(builder_.Append(static_cast<Cell>(number)));
    }
    return type();
  }

  Builder builder_;
};

}  // namespace

std::unique_ptr<ParquetColumn> ParquetColumn::make(ColumnType type) {
  switch (type) {
    case ColumnType::null:
    case ColumnType::string:
      return std::make_unique<TextColumn>(type);
    case ColumnType::boolean:
      return std::make_unique<NumberColumn<arrow::BooleanBuilder, bool>>(type);
    case ColumnType::int64:
      return std::make_unique<NumberColumn<arrow::Int64Builder, std::int64_t>>(type);
    case ColumnType::date:
      return std::make_unique<NumberColumn<arrow::Date32Builder, std::int32_t>>(type);
    case ColumnType::timestamp:
      return std::make_unique<NumberColumn<arrow::TimestampBuilder, std::int64_t>>(type);
    default:
      return std::make_unique<NumberColumn<arrow::Decimal128Builder, arrow::Decimal128>>(type);
  }
}

arrow::Result<ColumnType> ParquetColumn::append(std::int64_t row, std::string_view text,
                                                const DeclaredType* declared) {
  ARROW_RETURN_NOT_OK(fill(row));
  return append_next(text, declared);
}

arrow::Result<std::shared_ptr<arrow::Array>> ParquetColumn::finish(std::int64_t rows) {
  ARROW_RETURN_NOT_OK(fill(rows));
  return builder().Finish();
}

arrow::Status ParquetColumn::fill(std::int64_t rows) {
  return rows > length() ? builder().AppendNulls(rows - length()) : arrow::Status::OK();
}

}  // namespace deltadrop::lake
