#pragma once

#include <arrow/array/builder_base.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/column_type.hpp"
#include "core/declared_type.hpp"

namespace deltadrop::lake {

/// The values of one column of a row group, built from their text. Rows that get no value are null.
class ParquetColumn {
 public:
  static std::unique_ptr<ParquetColumn> make(ColumnType type);
  virtual ~ParquetColumn() = default;

  /// Sets the value of `row`, which is no row before `length()`. Returns the type that the column needs for
  /// it: its own, or a wider one; then nothing was set. `declared`: how the text is to be read, where that is
  /// declared.
  arrow::Result<ColumnType> append(std::int64_t row, std::string_view text,
                                   const DeclaredType* declared = nullptr);
  /// The column of `rows` rows, which is empty again.
  arrow::Result<std::shared_ptr<arrow::Array>> finish(std::int64_t rows);
  /// Rows up to the last that has a value.
  [[nodiscard]] std::int64_t length() { return builder().length(); }
  [[nodiscard]] std::shared_ptr<arrow::DataType> arrow_type() { return builder().type(); }
  /// What a row takes in memory, about; its text comes on top.
  [[nodiscard]] virtual std::int64_t row_bytes() const = 0;

 protected:
  explicit ParquetColumn(ColumnType type) : type_(type) {}
  [[nodiscard]] ColumnType type() const { return type_; }

 private:
  virtual arrow::ArrayBuilder& builder() = 0;
  /// As `append`, of the row at hand.
  virtual arrow::Result<ColumnType> append_next(std::string_view text, const DeclaredType* declared) = 0;
  arrow::Status fill(std::int64_t rows);

  ColumnType type_;
};

}  // namespace deltadrop::lake
