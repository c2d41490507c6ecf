#include "history/stored_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace deltadrop::history {

Error damaged(std::string_view what) {
  return as_stored(Result<void>(Error{ErrorCode::corrupt, "bad-row", std::string(what), ""})).error();
}

Result<UploadState> parse_state(std::string_view text) {
  for (const auto state :
       {UploadState::recorded, UploadState::applied, UploadState::blocked, UploadState::conflict}) {
    if (text == to_string(state)) return state;
  }
  return damaged(fmt::format("an upload has the state {}", text));
}

void sort_by_version(std::vector<UploadStatus>& uploads) {
  std::sort(uploads.begin(), uploads.end(), [](const UploadStatus& a, const UploadStatus& b) {
    return std::tie(a.facts.version, a.facts.upload_id) < std::tie(b.facts.version, b.facts.upload_id);
  });
}

namespace {

constexpr std::string_view kUploadColumns =
    "u.upload_id, u.company_id, u.table_name, u.version, u.previous_upload_id, u.file_sha256, "
    "u.types, u.total, u.state, u.timestamp, u.effective_at, u.applied_no, u.applied_at, u.in_lake_at, "
    "coalesce(u.error, ''), "
    "(SELECT coalesce(sum(p.seen), 0) FROM upload_parts p WHERE p.upload_id = u.upload_id), "
    "u.archive_id, u.set_aside_at";

}  // namespace

std::string select_uploads(std::string_view rest) {
  return fmt::format("SELECT {} FROM uploads u {}", kUploadColumns, rest);
}

std::string select_spans(std::string_view from, std::string_view rest) {
  return fmt::format("SELECT {}, s.first_seq, s.last_seq FROM {} {}", kUploadColumns, from, rest);
}

}  // namespace deltadrop::history
