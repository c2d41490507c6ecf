#pragma once

#include <mutex>
#include <optional>

#include "ingest/ingest.hpp"
#include "io/clock.hpp"

namespace deltadrop::status {

/// Checks whether an upload would be accepted now: the catalog answers, and the spool accepts a non-empty
/// file. The check uses the disk at most once a second; other callers in that time wait for it and share its
/// result. Thread-safe. The constructor's arguments outlive this object.
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
  std::mutex mutex_;  ///< protects all members below
  std::optional<Timestamp> asked_at_;
  std::optional<Error> trouble_;
};

}  // namespace deltadrop::status
