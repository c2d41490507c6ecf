#include "lake/table_plan.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace deltadrop::lake {

Result<TablePlan> plan_of(const Options& options, history::LakeLedger& history, const TableRef& table) {
  TablePlan plan;
  plan.folder = table_folder(options.folder, table);
  DD_TRY(auto applied, history.applied_uploads(table, history::kAnyVersion));
  for (auto& upload : applied) {
    if (upload.in_lake_at) {
      plan.uploads.push_back(std::move(upload));
    } else {
      DD_TRY(auto mark, mark_of(history, upload.facts));
      plan.waiting.insert(std::move(mark));
    }
  }
  DD_TRY(plan.columns, history.lake_columns(table));
  const auto last = plan.uploads.empty() ? Version(0) : plan.uploads.back().facts.version;
  DD_TRY(plan.compaction, Compaction::in_folder(plan.folder, last));
  return plan;
}

Result<bool> write_files(const TablePlan& plan, TableWriter& writer, TableColumns& columns,
                         TableWriter::Written& written, const OnProgress& progress) {
  written = {};
  Progress at{0, static_cast<std::int64_t>(plan.uploads.size()), 0};
  const auto count = [&](const TableWriter::Written& more) {
    written.files += more.files;
    written.rows += more.rows;
    at.files = written.files;
    progress(at);
  };
  for (const auto& upload : plan.uploads) {
    DD_TRY(const auto more, writer.write(upload.facts, columns));
    if (!more) return false;
    ++at.done;
    count(*more);
  }
  for (const auto& file : plan.compaction.files()) {
    DD_TRY(const auto more, writer.write_compacted(file, plan.uploads, columns));
    if (!more) return false;
    count(*more);
  }
  return true;
}

bool is_extra(const TablePlan& plan, const TableWriter& writer, const std::string& name) {
  if (writer.wrote(name)) return false;
  if (const auto mark = upload_mark(name)) return !plan.waiting.contains(*mark);
  return CompactedFile::of_name(name).has_value();
}

Error too_narrow(const TableRef& table) {
  return {ErrorCode::corrupt, "lake-columns",
          fmt::format("values of {} do not fit the column types that the history keeps for its files",
                      table.to_string()),
          fmt::format("find the types again with `deltadrop lake rebuild {} {}`", table.company_id,
                      table.table_name)};
}

}  // namespace deltadrop::lake
