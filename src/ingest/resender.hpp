#pragma once

#include <atomic>

#include "ingest/catalog.hpp"
#include "ingest/publications.hpp"
#include "ingest/publisher.hpp"

namespace deltadrop::ingest {

/// Implements Publications: marks versions in the catalog and passes them to the publisher.
class Resender final : public Publications {
 public:
  /// All must outlive the resender.
  Resender(Catalog& catalog, Publisher& publisher, const std::atomic<bool>& stopping)
      : catalog_(catalog), publisher_(publisher), stopping_(stopping) {}

  Result<RepublishReport> republish(const RepublishRequest& request) override;
  bool wait_published(const UploadId& upload, std::chrono::steady_clock::time_point deadline) override;

 private:
  Catalog& catalog_;
  Publisher& publisher_;
  const std::atomic<bool>& stopping_;
};

}  // namespace deltadrop::ingest
