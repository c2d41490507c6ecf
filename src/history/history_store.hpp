#pragma once

#include "history/history_reader.hpp"
#include "history/history_writer.hpp"
#include "history/lake_ledger.hpp"
#include "history/table_chains.hpp"

/// The history: every event for ever, and each record's states with temporal validity. Ports only; the
/// adapters are sqlite_history.hpp and postgres_history.hpp. docs/history-schema.md describes the tables.
namespace deltadrop::history {

/// What an adapter implements. Only what opens a history or wires its users takes all of it; a user takes the
/// part that it needs.
class HistoryStore : public HistoryWriter, public LakeLedger, public TableChains {};

}  // namespace deltadrop::history
