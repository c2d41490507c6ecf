#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "lake/lake.hpp"
#include "lake/layout.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::lake {

/// One table's folder while files of some of its uploads are written into it:
///
///     open, write each upload, publish
///
/// Until `publish` all of them have temporary names, so that readers see the files as they were before,
/// whatever happens; then they get their names, one rename after another. One writer a table at a time.
class TableWriter {
 public:
  struct Written {
    std::int64_t files = 0;
    std::int64_t rows = 0;
  };

  TableWriter(const Options& options, history::HistoryStore& history, const TableRef& table);

  /// Makes the folder and removes temporary files: what an interrupted write left behind, and what was
  /// written since the last `publish`.
  Result<void> open();
  /// Writes the files of an applied upload. Nothing where one of its values does not fit `columns`, which
  /// then are as wide as all of them need: all that was written since `open` must be written again with
  /// these. Errors as write_upload's.
  Result<std::optional<Written>> write(const UploadFacts& upload, TableColumns& columns);
  /// Gives the files their names, removes those that the same uploads had under other names (the split or the
  /// layout was another one before), and makes it all durable.
  Result<void> publish();
  /// As `open`, where another failure matters more than one of this.
  void discard();

 private:
  std::int64_t rows_max_;
  history::HistoryStore& history_;
  std::filesystem::path folder_;
  std::map<std::string, FileNames> written_;  ///< by upload_mark
};

}  // namespace deltadrop::lake
