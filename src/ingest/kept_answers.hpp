#pragma once

#include <chrono>
#include <optional>

#include "ingest/catalog.hpp"
#include "ingest/idempotency.hpp"
#include "ingest/request.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// The stored answers to requests with an idempotency key.
class KeptAnswers {
 public:
  /// Stores answers for `ttl`. Both references must outlive this object.
  KeptAnswers(Catalog& catalog, io::ClockWatch& clock_watch, std::chrono::milliseconds ttl)
      : catalog_(catalog), clock_watch_(clock_watch), ttl_(ttl) {}

  /// Returns the answer to the key's earlier request, if there was one. Call it in the table's turn.
  Result<std::optional<UploadReport>> replay(const std::optional<AskedKey>& key);
  /// Returns the answer to store; nothing without a key.
  std::optional<AnswerToKeep> to_keep(const std::optional<AskedKey>& key, const UploadReport& report);

 private:
  Catalog& catalog_;
  io::ClockWatch& clock_watch_;
  const std::chrono::milliseconds ttl_;
};

}  // namespace deltadrop::ingest
