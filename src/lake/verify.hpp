#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lake/lake.hpp"

namespace deltadrop::lake {

enum class Fault : std::uint8_t {
  missing,
  extra,       ///< a name of the lake's form that is none of the table's files
  differing,   ///< its bytes are not those that the history gives
  unfinished,  ///< what an interrupted write left
  folder       ///< a folder with a name of the lake's form: nothing here touches it
};
std::string_view to_string(Fault fault);

struct Damage {
  std::filesystem::path path;
  Fault fault = Fault::missing;
  std::string detail;
};

struct VerifyReport {
  std::int64_t uploads = 0;
  std::int64_t files = 0;
  std::int64_t rows = 0;
  std::int64_t damages = 0;
  std::int64_t folders = 0;  ///< of these, which rebuild_table does not mend
  std::int64_t waiting = 0;  ///< as RebuildReport's; what is there of their files already is not looked at
};

/// Makes each file anew, compares it with the one that is there byte by byte, and writes nothing. Calls
/// `damaged` for each that is not as it must be. The caller holds the TableLock. Memory is bounded whatever
/// the number of events. Errors as write_upload's.
Result<VerifyReport> verify_table(const Options& options, history::LakeLedger& history, const TableRef& table,
                                  const std::function<void(const Damage&)>& damaged,
                                  const OnProgress& progress);

/// Names of PARQUET_DIR/<company>/<table> folders that have files of the lake's form.
Result<std::vector<TableRef>> tables_in_folder(const std::filesystem::path& root);

}  // namespace deltadrop::lake
