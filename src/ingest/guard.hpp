#pragma once

#include <string>
#include <vector>

#include "diff/diff.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::ingest {

struct GuardFlags {
  bool dry_run = false;
  bool force = false;
  bool rekeyed = false;  ///< this version changes the key's columns
};

/// Returns the reasons why a person should check this version before it is published, as sentences. The list
/// may be empty. Pure.
std::vector<std::string> hold_reasons(const diff::Counts& counts,
                                      const std::vector<diff::SchemaChange>& schema_changes,
                                      const GuardFlags& flags, const Options& options);

}  // namespace deltadrop::ingest
