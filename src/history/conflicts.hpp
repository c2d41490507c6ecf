#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/history_store.hpp"

/// Forks of a table's history: detects conflicts as uploads arrive, and plans an operator's choice between
/// the chains. All functions are pure and shared by the adapters.
namespace deltadrop::history {

// ---- an upload arrives

/// The recorded state that a new upload is compared with.
struct Standing {
  std::optional<ArchiveId> owner;  ///< the archive that owns the table
  struct Rival {
    std::string upload_id;
    Version version;
  };
  std::optional<Rival> rival;  ///< not in conflict, with the same version or predecessor
  /// `previous_recorded`: the upload's predecessor is recorded. `previous_off_chain`: that predecessor does
  /// not belong to the table's chain.
  bool previous_recorded = false;
  bool previous_off_chain = false;
};

/// Returns why the upload is in conflict, or nothing if it is not.
std::optional<std::string> conflict_on_arrival(const UploadFacts& facts, const Standing& standing);
/// Returns true if the upload makes its archive the owner of its table: the table has no owner, and the
/// upload is the table's first or follows a recorded one.
bool claims_table(const UploadFacts& facts, const Standing& standing);
/// Returns the error text of an upload that was recorded before its predecessor turned out to be in conflict.
std::string follows_conflict(const UploadId& previous);

// ---- an operator decides

/// Returns how an operator repairs a conflict. The text needs no other context.
std::string conflict_fix(const TableRef& table);
/// Returns one line for the log: table, version, upload, archive, reason and repair.
std::string conflict_line(const UploadStatus& upload);

/// Uploads of a table that follow each other, in version order. None is set aside, and none of them follows
/// the last.
struct Chain {
  std::vector<UploadStatus> uploads;
  std::int64_t applied = 0;  ///< the number of applied uploads; they are the first ones of the chain
};
/// Returns the chains of a table's uploads; the chain with the most applied uploads is first. Chains that
/// fork share their first uploads. An upload whose predecessor is not recorded begins a chain.
std::vector<Chain> chains_of(const std::vector<UploadStatus>& uploads);

/// Plans how to keep the chain that ends with `keep`, or no upload if `keep` is empty. `uploads` are the
/// table's. Fails with not_found, type "no-such-upload", and with conflict, type "chain-incomplete", if an
/// earlier upload of the chain is not recorded.
Result<Resolution> plan_resolution(const TableRef& table, const std::vector<UploadStatus>& uploads,
                                   const std::optional<UploadId>& keep);

/// Returns the error text of an upload that is set aside.
std::string set_aside_text(const std::optional<UploadId>& keep);

}  // namespace deltadrop::history
