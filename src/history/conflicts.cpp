#include "history/conflicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "history/decisions.hpp"

namespace deltadrop::history {
namespace {

using ById = std::map<UploadId, const UploadStatus*>;

ById by_id(const std::vector<UploadStatus>& uploads) {
  ById found;
  for (const auto& upload : uploads) found.emplace(upload.facts.upload_id, &upload);
  return found;
}

std::string name_of(const std::optional<ArchiveId>& archive) {
  return archive ? "archive " + archive->to_string() : std::string("an archive that its events do not name");
}

/// Returns the uploads that lead to `last`, in version order. The chain starts after the last upload that is
/// not recorded.
std::vector<const UploadStatus*> leading_to(const ById& uploads, const UploadStatus& last) {
  std::vector<const UploadStatus*> chain = {&last};
  // The bound on the length ends the loop if damaged data contains a cycle; Deltadrop writes none.
  while (chain.back()->facts.previous_upload_id && chain.size() <= uploads.size()) {
    const auto previous = uploads.find(*chain.back()->facts.previous_upload_id);
    if (previous == uploads.end()) break;
    chain.push_back(previous->second);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

bool is_set_aside(const UploadStatus& upload) { return upload.set_aside_at.has_value(); }

}  // namespace

std::optional<std::string> conflict_on_arrival(const UploadFacts& facts, const Standing& standing) {
  if (standing.owner && facts.archive_id && *standing.owner != *facts.archive_id) {
    return fmt::format(
        "{} belongs to archive {}, and version {} (upload {}) is of archive {}: another DATA_DIR sent it",
        facts.table.to_string(), standing.owner->to_string(), facts.version.value,
        facts.upload_id.to_string(), facts.archive_id->to_string());
  }
  if (standing.rival) return forked(facts, standing.rival->version, standing.rival->upload_id);
  if (standing.previous_off_chain) return follows_conflict(*facts.previous_upload_id);
  return std::nullopt;
}

bool claims_table(const UploadFacts& facts, const Standing& standing) {
  if (standing.owner || !facts.archive_id || conflict_on_arrival(facts, standing)) return false;
  return !facts.previous_upload_id || standing.previous_recorded;
}

std::string follows_conflict(const UploadId& previous) {
  return fmt::format("it follows upload {}, which is in conflict", previous.to_string());
}

std::string conflict_fix(const TableRef& table) {
  return fmt::format(
      "see both sides with `deltadrop conflict show {0} {1}`, then choose with `deltadrop conflict resolve "
      "{0} {1} "
      "--keep UPLOAD_ID`; keep the database and every copy of DATA_DIR until then: each may hold the only "
      "copy of "
      "some uploads",
      table.company_id, table.table_name);
}

std::string conflict_line(const UploadStatus& upload) {
  const auto& facts = upload.facts;
  return fmt::format("conflict: version {} of {} (upload {}, of {}) is recorded and not applied: {}; {}",
                     facts.version.value, facts.table.to_string(), facts.upload_id.to_string(),
                     name_of(facts.archive_id), upload.error, conflict_fix(facts.table));
}

std::vector<Chain> chains_of(const std::vector<UploadStatus>& uploads) {
  std::vector<UploadStatus> open;
  for (const auto& upload : uploads) {
    if (!is_set_aside(upload)) open.push_back(upload);
  }
  const ById known = by_id(open);
  std::set<UploadId> followed;
  for (const auto& upload : open) {
    if (upload.facts.previous_upload_id) followed.insert(*upload.facts.previous_upload_id);
  }
  std::vector<Chain> chains;
  for (const auto& last : open) {
    if (followed.contains(last.facts.upload_id)) continue;
    Chain chain;
    for (const auto* upload : leading_to(known, last)) {
      chain.uploads.push_back(*upload);
      if (upload->state == UploadState::applied) ++chain.applied;
    }
    chains.push_back(std::move(chain));
  }
  std::stable_sort(chains.begin(), chains.end(),
                   [](const Chain& a, const Chain& b) { return a.applied > b.applied; });
  return chains;
}

Result<Resolution> plan_resolution(const TableRef& table, const std::vector<UploadStatus>& uploads,
                                   const std::optional<UploadId>& keep) {
  Resolution plan;
  std::set<UploadId> kept;
  if (keep) {
    const ById known = by_id(uploads);
    const auto last = known.find(*keep);
    if (last == known.end()) {
      return Error{ErrorCode::not_found, "no-such-upload",
                   fmt::format("the history has no upload {} of {}", keep->to_string(), table.to_string()),
                   fmt::format("`deltadrop conflict show {} {}` lists those that it has", table.company_id,
                               table.table_name)};
    }
    const auto chain = leading_to(known, *last->second);
    if (const auto& missing = chain.front()->facts.previous_upload_id) {
      return Error{
          ErrorCode::conflict, "chain-incomplete",
          fmt::format("upload {} follows upload {}, which is not recorded",
                      chain.front()->facts.upload_id.to_string(), missing->to_string()),
          fmt::format("run `deltadrop republish {} {}` on the DATA_DIR that has both, then try again",
                      table.company_id, table.table_name)};
    }
    for (const auto* upload : chain) {
      kept.insert(upload->facts.upload_id);
      plan.kept.push_back(*upload);
    }
    plan.owner = plan.kept.back().facts.archive_id;
  }
  for (const auto& upload : uploads) {
    if (kept.contains(upload.facts.upload_id)) continue;
    if (!is_set_aside(upload)) plan.set_aside.push_back(upload);
    if (upload.state == UploadState::applied) plan.undoes = true;
  }
  for (const auto& upload : plan.kept) {
    if (upload.state == UploadState::applied) plan.stays_until = upload.facts.effective_at;
    if (upload.state == UploadState::conflict) plan.revived.push_back(upload);
  }
  return plan;
}

std::string set_aside_text(const std::optional<UploadId>& keep) {
  return keep ? fmt::format("set aside when the chain of upload {} was kept", keep->to_string())
              : std::string("set aside when no upload of the table was kept");
}

}  // namespace deltadrop::history
