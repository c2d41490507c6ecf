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

/// Those that events of the upload may have: a table that was empty has inserts only, and to find none of
/// the others takes the history a look at all.
std::span<const ChangeType> types_of(const UploadFacts& upload);

/// The value that made a column's type wider.
struct Widening {
  ColumnType to = ColumnType::null;
  std::string value;
  Line line;
};

/// The columns of a table's files while an upload's values are looked at: types only become wider.
class TableColumns {
 public:
  TableColumns() = default;
  /// `columns` in any order, each name once.
  explicit TableColumns(std::vector<history::LakeColumn> columns);

  /// In byte order of their names.
  [[nodiscard]] const std::vector<history::LakeColumn>& all() const { return columns_; }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

  /// Adds a column without a value for each name that has none. Places of others may change.
  void add(std::vector<std::string> names);
  /// The column's type is joined with `type`.
  void widen(std::size_t column, ColumnType type);
  /// The same for a value of `event`, which is kept if it makes the type wider.
  void widen(std::size_t column, ColumnType type, const Event& event, std::string_view value);
  /// The last value that made this column's type wider, if any did.
  [[nodiscard]] const Widening* widening(std::string_view name) const;

 private:
  std::vector<history::LakeColumn> columns_;
  std::map<std::string, Widening, std::less<>> widenings_;
};

/// Whether files of both columns are alike; one without a value is one of strings in a file.
bool alike_in_files(const TableColumns& a, const TableColumns& b);

/// `held` and the columns of the upload's events, with the types that `types=` declares and those of its
/// first values: near to what all of its values need, and never wider. Fails with corrupt, type "lake-types",
/// where `types` is no JSON object of texts.
Result<TableColumns> columns_to_begin_with(const std::vector<history::LakeColumn>& held,
                                           history::HistoryReader& history, const UploadFacts& upload);

/// One sentence for each type of `types=` that its column does not have: values do not fit it, or it is
/// unknown.
Result<std::vector<std::string>> undeclared(const UploadFacts& upload, const TableColumns& columns);

}  // namespace deltadrop::lake
