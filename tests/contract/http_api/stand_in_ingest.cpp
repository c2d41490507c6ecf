#include "ingest/ingest.hpp"

namespace deltadrop::ingest {

std::string_view to_string(UploadState state) {
  switch (state) {
    case UploadState::held:
      return "held";
    case UploadState::accepted:
      return "accepted";
    case UploadState::published:
      return "published";
    case UploadState::discarded:
      return "discarded";
    case UploadState::expired:
      return "expired";
  }
  return "";
}

std::string_view to_string(UploadStatus status) {
  switch (status) {
    case UploadStatus::published:
      return "published";
    case UploadStatus::accepted:
      return "accepted";
    case UploadStatus::held:
      return "held";
    case UploadStatus::unchanged:
      return "unchanged";
  }
  return "";
}

}  // namespace deltadrop::ingest
