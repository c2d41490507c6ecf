#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "lake/layout.hpp"

namespace deltadrop::lake {

/// Which events of a table are in compacted files. The files' own names are the record of it:
/// docs/decisions/0018.
class Compaction {
 public:
  Compaction() = default;
  /// By the names in `folder`. A file that reaches beyond `last`, the last version in the lake, does not
  /// count; where two of one type overlap, the one that begins first does, of these the longer.
  static Result<Compaction> in_folder(const std::filesystem::path& folder, Version last);

  /// Whether the events of that type of that version are in a compacted file.
  [[nodiscard]] bool holds(ChangeType type, Version version) const;
  [[nodiscard]] bool has(const CompactedFile& file) const;
  /// In the order of type and version.
  [[nodiscard]] const std::vector<CompactedFile>& files() const { return files_; }

 private:
  std::vector<CompactedFile> files_;
};

}  // namespace deltadrop::lake
