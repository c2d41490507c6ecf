#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/history_store.hpp"

/// Forks of a table's history: when an upload is in conflict as it arrives, and what a choice between the
/// chains means. Pure, and the same for every adapter.
namespace deltadrop::history {

// ---- an upload arrives

/// What the history holds where a new upload wants to stand.
struct Standing {
  std::optional<ArchiveId> owner;  ///< of its table
  struct Rival {
    std::string upload_id;
    Version version;
  };
  std::optional<Rival> rival;  ///< not in conflict; of the same version, or after the same upload
  /// Of the upload that it follows: whether that is recorded, and whether it stands beside the chain.
  bool previous_recorded = false;
  bool previous_off_chain = false;
};

/// Why the upload is in conflict; none where it is not.
std::optional<std::string> conflict_on_arrival(const UploadFacts& facts, const Standing& standing);
/// Whether the upload makes its archive the owner of its table: nobody owns it, and the upload is the table's
/// first, or follows one that is recorded.
bool claims_table(const UploadFacts& facts, const Standing& standing);
/// The error of an upload that was recorded before the one that it follows was found in conflict.
std::string follows_conflict(const UploadId& previous);

// ---- an operator decides

/// How a conflict is repaired, for a person who sees nothing but this.
std::string conflict_fix(const TableRef& table);
/// One line for the log: table, version, upload, archive, why, and the repair.
std::string conflict_line(const UploadStatus& upload);

/// Uploads of a table that follow each other, first version first; none of them was set aside. The last is
/// followed by no other of these.
struct Chain {
  std::vector<UploadStatus> uploads;
  std::int64_t applied = 0;  ///< so many of them, from the first on, are applied
};
/// The chains of a table's uploads, that with the most applied uploads first. Chains that fork have their
/// first uploads in common. An upload whose predecessor is not recorded begins one.
std::vector<Chain> chains_of(const std::vector<UploadStatus>& uploads);

/// What to keep the chain that ends with `keep` means for a table with these uploads; none: to keep no
/// upload. Errors: not_found "no-such-upload"; conflict "chain-incomplete" where an upload before it is not
/// recorded.
Result<Resolution> plan_resolution(const TableRef& table, const std::vector<UploadStatus>& uploads,
                                   const std::optional<UploadId>& keep);

/// The error of an upload that is set aside.
std::string set_aside_text(const std::optional<UploadId>& keep);

}  // namespace deltadrop::history
