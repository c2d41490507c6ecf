#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "history/history_reader.hpp"

namespace deltadrop::lake {

inline constexpr std::array kTypes = {ChangeType::insert, ChangeType::update, ChangeType::remove};

/// Returns the change types that events of the upload may have. The first upload has only inserts, and a
/// search for the other types would cost the history a query.
std::span<const ChangeType> types_of(const UploadFacts& upload);

/// The value that widened a column's type.
struct Widening {
  ColumnType to = ColumnType::null;
  std::string value;
  Line line;
};

/// The columns of a table's files while an upload's values are read. Types only become wider.
class TableColumns {
 public:
  TableColumns() = default;
  /// `columns` may have any order; each name occurs once.
  explicit TableColumns(std::vector<history::LakeColumn> columns);

  /// Returns the columns in byte order of their names.
  [[nodiscard]] const std::vector<history::LakeColumn>& all() const { return columns_; }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

  /// Adds an empty column for each new name. The indexes of other columns may change.
  void add(std::vector<std::string> names);
  /// Joins the column's type with `type`.
  void widen(std::size_t column, ColumnType type);
  /// The same for a value of `event`, which is stored if it widens the type.
  void widen(std::size_t column, ColumnType type, const Event& event, std::string_view value);
  /// Returns the last value that widened the column's type, or null.
  [[nodiscard]] const Widening* widening(std::string_view name) const;

 private:
  std::vector<history::LakeColumn> columns_;
  std::map<std::string, Widening, std::less<>> widenings_;
};

/// Returns true if files of both have the same columns. In a file, a column without values is a string
/// column.
bool alike_in_files(const TableColumns& a, const TableColumns& b);

/// Returns `held` and the columns of the upload's events. Types include those that `types=` declares and
/// those of the first values. The result is close to what all values need, and never wider. Fails with
/// corrupt, type "lake-types", if `types=` is not a JSON object of texts.
Result<TableColumns> columns_to_begin_with(const std::vector<history::LakeColumn>& held,
                                           history::HistoryReader& history, const UploadFacts& upload);

/// Returns one sentence for each type of `types=` that its column does not have because values do not fit it
/// or the type is unknown.
Result<std::vector<std::string>> undeclared(const UploadFacts& upload, const TableColumns& columns);

}  // namespace deltadrop::lake
