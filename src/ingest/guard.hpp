#pragma once

#include <string>
#include <vector>

#include "diff/diff.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::ingest {

struct GuardFlags {
  bool dry_run = false;
  bool force = false;
  bool rekeyed = false;  ///< the key's columns change with this version
};

/// Why a person should look before this version is published, as sentences; empty: nothing stands against it.
/// Pure.
std::vector<std::string> hold_reasons(const diff::Counts& counts,
                                      const std::vector<diff::SchemaChange>& schema_changes,
                                      const GuardFlags& flags, const Options& options);

}  // namespace deltadrop::ingest
