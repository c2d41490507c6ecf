#include "history/history_store.hpp"

namespace deltadrop::history {

std::string_view to_string(UploadState state) {
  switch (state) {
    case UploadState::recorded:
      return "recorded";
    case UploadState::applied:
      return "applied";
    case UploadState::blocked:
      return "blocked";
    case UploadState::conflict:
      return "conflict";
  }
  return "";
}

}  // namespace deltadrop::history
