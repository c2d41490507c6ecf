#pragma once

#include <arrow/array/builder_base.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/column_type.hpp"
#include "core/declared_type.hpp"

namespace deltadrop::lake {

/// Builds one column of a row group from the text of its values. Rows without a value are null.
class ParquetColumn {
 public:
  static std::unique_ptr<ParquetColumn> make(ColumnType type);
  virtual ~ParquetColumn() = default;

  /// Sets the value of `row`, which must not be before `length()`. Returns the type that the column needs for
  /// the value: its own, or a wider one, and then sets nothing. `declared` is the declared type of the text,
  /// or null.
  arrow::Result<ColumnType> append(std::int64_t row, std::string_view text,
                                   const DeclaredType* declared = nullptr);
  /// Returns the column of `rows` rows and empties the builder.
  arrow::Result<std::shared_ptr<arrow::Array>> finish(std::int64_t rows);
  /// Returns the number of rows up to the last one with a value.
  [[nodiscard]] std::int64_t length() { return builder().length(); }
  [[nodiscard]] std::shared_ptr<arrow::DataType> arrow_type() { return builder().type(); }
  /// Returns the approximate size of a row in memory in bytes, without its text.
  [[nodiscard]] virtual std::int64_t row_bytes() const = 0;

 protected:
  explicit ParquetColumn(ColumnType type) : type_(type) {}
  [[nodiscard]] ColumnType type() const { return type_; }

 private:
  virtual arrow::ArrayBuilder& builder() = 0;
  /// Appends the value of the next row, like `append`.
  virtual arrow::Result<ColumnType> append_next(std::string_view text, const DeclaredType* declared) = 0;
  arrow::Status fill(std::int64_t rows);

  ColumnType type_;
};

}  // namespace deltadrop::lake
