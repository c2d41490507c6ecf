#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What the driver does to a DATA_DIR, step by step, and what its parent expects of each.
namespace deltadrop::testing {

enum class Action { submit, hold, release, discard };

struct Step {
  Action action = Action::submit;
  std::string bytes;  ///< of a submit or hold
};

inline const std::vector<Step>& script() {
  static const std::vector<Step> kScript = {
      {Action::submit, "id,name\n1,a\n2,b\n3,c\n"},
      {Action::submit, "id,name\n1,a\n2,x\n4,d\n"},
      {Action::hold, "id,name\n1,a\n2,y\n"},
      {Action::release, ""},
      {Action::hold, "id,name\n1,z\n"},
      {Action::discard, ""},
      {Action::submit, "id,name\n1,a\n2,y\n5,e\n"},
  };
  return kScript;
}

/// The driver's exit code when it ended before the fault could strike.
inline constexpr int kFaultNotReached = 3;

/// The table of every step.
inline constexpr const char* kCompany = "acme";

struct DriverPaths {
  std::filesystem::path root;
  /// Every file is treated as a large one is; else the catalog keeps its bytes until it is synced.
  bool syncs_each_file = false;
  [[nodiscard]] std::filesystem::path data_dir() const { return root / "data"; }
  [[nodiscard]] std::filesystem::path log() const { return root / "log.jsonl"; }
  /// A line for each step that was answered: its number, and the upload's id.
  [[nodiscard]] std::filesystem::path answers() const { return root / "answers"; }
};

}  // namespace deltadrop::testing
