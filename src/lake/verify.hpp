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
  extra,       ///< a name of the lake's form that the table does not have
  differing,   ///< its bytes differ from those that the history produces
  unfinished,  ///< left by an interrupted write
  folder       ///< a folder with a name of the lake's form; the lake never touches it
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
  std::int64_t folders = 0;  ///< how many of `damages` are folders, which rebuild_table does not repair
  std::int64_t waiting = 0;  ///< as RebuildReport's; existing files of these uploads are not checked
};

/// Generates each file, compares it byte by byte with the existing one, and writes nothing. Calls `damaged`
/// for each difference. The caller holds the TableLock. Memory is bounded for any number of events. Errors as
/// write_upload's.
Result<VerifyReport> verify_table(const Options& options, history::LakeLedger& history, const TableRef& table,
                                  const std::function<void(const Damage&)>& damaged,
                                  const OnProgress& progress);

/// Returns the tables whose PARQUET_DIR/<company>/<table> folders have files of the lake's form.
Result<std::vector<TableRef>> tables_in_folder(const std::filesystem::path& root);

}  // namespace deltadrop::lake
