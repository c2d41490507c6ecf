#pragma once

#include "history/history_reader.hpp"
#include "history/history_writer.hpp"
#include "history/lake_ledger.hpp"
#include "history/table_chains.hpp"

/// The history: every event, and the states of each record with their validity. These are the ports; the
/// adapters are sqlite_history.hpp and postgres_history.hpp. docs/history-schema.md describes the tables.
namespace deltadrop::history {

/// The interface that an adapter implements. Only code that opens a history or wires its users takes all of
/// it; other code takes the part that it needs.
class HistoryStore : public HistoryWriter, public LakeLedger, public TableChains {};

}  // namespace deltadrop::history
