#include "lake/rebuild.hpp"

#include <string>
#include <vector>

#include "lake/table_plan.hpp"

namespace deltadrop::lake {
namespace {

/// Writes all files of the table under temporary names. The stored columns are then correct too.
Result<TableWriter::Written> write_anew(const TablePlan& plan, TableWriter& writer,
                                        history::LakeLedger& history, const OnProgress& progress) {
  TableColumns columns(plan.columns);
  TableWriter::Written written;
  for (bool done = false; !done;) {
    DD_TRY(writer.open());
    DD_TRY(done, write_files(plan, writer, columns, written, progress));
  }
  if (columns.all() != plan.columns && !plan.uploads.empty()) {
    const auto& last = plan.uploads.back();
    DD_TRY(history.mark_in_lake(last.facts.upload_id, columns.all(), *last.in_lake_at));
  }
  return written;
}

}  // namespace

Result<RebuildReport> rebuild_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, const OnProgress& progress) {
  DD_TRY(const auto plan, plan_of(options, history, table));
  RebuildReport report;
  report.uploads = static_cast<std::int64_t>(plan.uploads.size());
  report.waiting = static_cast<std::int64_t>(plan.waiting.size());
  DD_TRY(for_each_file(plan.folder, [&](const std::string& name) -> Result<void> {
    if (name.starts_with(kTemporaryPrefix)) ++report.removed;
    return success();
  }));
  TableWriter writer(options, history, table);
  writer.respect(plan.compaction);
  const auto written = write_anew(plan, writer, history, progress);
  if (!written.has_value()) {
    writer.discard();
    return written.error();
  }
  report.files = written.value().files;
  report.rows = written.value().rows;
  std::vector<std::string> extra;
  DD_TRY(for_each_file(plan.folder, [&](const std::string& name) -> Result<void> {
    if (is_extra(plan, writer, name)) extra.push_back(name);
    return success();
  }));
  report.removed += static_cast<std::int64_t>(extra.size());
  DD_TRY(writer.publish());
  DD_TRY(remove_superseded(plan.folder, extra));
  return report;
}

}  // namespace deltadrop::lake
