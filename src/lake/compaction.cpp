#include "lake/compaction.hpp"

#include <algorithm>
#include <tuple>

#include "lake/file_target.hpp"

namespace deltadrop::lake {

Result<Compaction> Compaction::in_folder(const std::filesystem::path& folder, Version last) {
  std::vector<CompactedFile> found;
  DD_TRY(for_each_file(folder, [&](const std::string& name) -> Result<void> {
    const auto file = CompactedFile::of_name(name);
    if (file && file->versions.last <= last) found.push_back(*file);
    return success();
  }));
  std::sort(found.begin(), found.end(), [](const CompactedFile& a, const CompactedFile& b) {
    return std::tie(a.type, a.versions.first, b.versions.last) <
           std::tie(b.type, b.versions.first, a.versions.last);
  });
  Compaction compaction;
  for (const auto& file : found) {
    const auto* before = compaction.files_.empty() ? nullptr : &compaction.files_.back();
    if (before != nullptr && before->type == file.type && before->versions.last >= file.versions.first)
      continue;
    compaction.files_.push_back(file);
  }
  return compaction;
}

bool Compaction::holds(ChangeType type, Version version) const {
  return std::any_of(files_.begin(), files_.end(), [&](const CompactedFile& file) {
    return file.type == type && file.versions.contains(version);
  });
}

bool Compaction::has(const CompactedFile& file) const {
  return std::find(files_.begin(), files_.end(), file) != files_.end();
}

}  // namespace deltadrop::lake
