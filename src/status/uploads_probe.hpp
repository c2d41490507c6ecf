#pragma once

#include <mutex>
#include <optional>

#include "ingest/ingest.hpp"
#include "io/clock.hpp"

namespace deltadrop::status {

/// Whether an upload would be taken now: the catalog answers, and the spool takes a file with something in
/// it. Asked of the disk at most once a second: who asks meanwhile, or while it is being found out, gets the
/// same answer. Thread-safe; what it asks outlives it.
class UploadsProbe {
 public:
  UploadsProbe(ingest::ArchiveReader& reader, ingest::Intake& intake, io::Clock& clock)
      : reader_(reader), intake_(intake), clock_(clock) {}
  Result<void> look();

 private:
  Result<void> probe();

  ingest::ArchiveReader& reader_;
  ingest::Intake& intake_;
  io::Clock& clock_;
  std::mutex mutex_;  ///< of all below
  std::optional<Timestamp> asked_at_;
  std::optional<Error> trouble_;
};

}  // namespace deltadrop::status
