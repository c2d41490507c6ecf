#pragma once

#include <chrono>
#include <optional>

#include "ingest/catalog.hpp"
#include "ingest/idempotency.hpp"
#include "ingest/request.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// The answers that the catalog keeps for requests with an idempotency key.
class KeptAnswers {
 public:
  /// Keeps an answer for `ttl`; both references outlive this.
  KeptAnswers(Catalog& catalog, io::ClockWatch& clock_watch, std::chrono::milliseconds ttl)
      : catalog_(catalog), clock_watch_(clock_watch), ttl_(ttl) {}

  /// In the table's turn: what the key's earlier request was answered, if there was one.
  Result<std::optional<UploadReport>> replay(const std::optional<AskedKey>& key);
  /// What to keep of this answer; nothing without a key.
  std::optional<AnswerToKeep> to_keep(const std::optional<AskedKey>& key, const UploadReport& report);

 private:
  Catalog& catalog_;
  io::ClockWatch& clock_watch_;
  const std::chrono::milliseconds ttl_;
};

}  // namespace deltadrop::ingest
