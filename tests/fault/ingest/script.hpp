#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// The steps that the driver runs on a DATA_DIR, and the results that its parent expects.
namespace deltadrop::testing {

enum class Action { submit, hold, release, discard };

struct Step {
  Action action = Action::submit;
  std::string bytes;  ///< of a submit or hold
};

inline const std::vector<Step>& script() {
  static const std::vector<Step> kScript = {
      {Action::submit, "id,name\n1,a\n2,b\n3,c\n"},
      {Action::submit, "id,name\n1,a\n2,a longer name\n4,d\n"},
      {Action::hold, "id,name\n1,a\n2,y\n"},
      {Action::release, ""},
      {Action::hold, "id,name\n1,z\n"},
      {Action::discard, ""},
      {Action::submit, "id,name\n1,a\n2,y\n5,e\n"},
  };
  return kScript;
}

/// The driver's exit code if it ended before the fault occurred.
inline constexpr int kFaultNotReached = 3;

/// The table of every step.
inline constexpr const char* kCompany = "acme";

/// The catalog keeps a small file's bytes until many are synced together. A large file is synced by itself.
/// So is a workbook, which the driver makes of a step's bytes, and the CSV that it becomes.
enum class Files { small, large, mixed, workbooks };

/// The largest small file, in bytes.
inline std::size_t small_bytes_max(Files files) {
  constexpr std::size_t kEveryFile = 65'536;
  constexpr std::size_t kShorterThanSecond = 24;
  if (files == Files::mixed) return kShorterThanSecond;
  return files == Files::large ? 0 : kEveryFile;
}

struct DriverPaths {
  std::filesystem::path root;
  Files files = Files::small;
  [[nodiscard]] std::filesystem::path data_dir() const { return root / "data"; }
  [[nodiscard]] std::filesystem::path log() const { return root / "log.jsonl"; }
  /// Exists after a rebuild has succeeded.
  [[nodiscard]] std::filesystem::path rebuilt() const { return root / "rebuilt"; }
  /// Contains a line for each answered step: its number and the upload's id.
  [[nodiscard]] std::filesystem::path answers() const { return root / "answers"; }
};

}  // namespace deltadrop::testing
