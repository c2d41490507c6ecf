#include "lake/known_folders.hpp"

#include <utility>

#include "io/lock_file.hpp"
#include "lake/layout.hpp"

namespace deltadrop::lake {
namespace {

/// The maximum number of tables. Beyond it, all entries are discarded and each folder is listed once more.
constexpr std::size_t kFoldersMax = 10'000;
/// The maximum number of one table's uploads in a second. Beyond it, its folder is not remembered but listed.
constexpr std::size_t kMarksMax = 10'000;

}  // namespace

void FolderContents::note_mark(std::string_view mark) {
  const auto second = second_of(mark);
  if (second < newest_second) return;
  if (second > newest_second) newest.clear();
  newest_second = second;
  newest.emplace(mark);
}

bool FolderContents::has_nothing_of(std::string_view mark) const {
  const auto second = second_of(mark);
  return second > newest_second || (second == newest_second && !newest.contains(std::string(mark)));
}

void KnownFolders::locked(const TableRef& table, std::optional<std::uint64_t> number) {
  if (known_.size() >= kFoldersMax && !known_.contains(table)) known_.clear();
  auto& known = known_[table];
  const bool by_us = number && known.lock_number && *number == *known.lock_number + io::LockFile::kCountStep;
  if (!by_us) known.stamp.reset();
  known.lock_number = number;
}

std::optional<FolderContents> KnownFolders::take(const TableRef& table, const std::filesystem::path& folder) {
  const auto known = known_.find(table);
  if (known == known_.end() || !known->second.stamp) return std::nullopt;
  const auto remembered = std::exchange(known->second.stamp, std::nullopt);
  const auto now = io::stamp_of(folder);
  if (!now.has_value() || now.value() != *remembered) return std::nullopt;
  return std::move(known->second.contents);
}

void KnownFolders::remember(const TableRef& table, const std::filesystem::path& folder,
                            FolderContents contents) {
  const auto known = known_.find(table);
  const auto now = io::stamp_of(folder);
  // Without the lock's number, writes by other processes would go unnoticed.
  if (known == known_.end() || !now.has_value() || contents.newest.size() > kMarksMax) return;
  known->second.stamp = now.value();
  known->second.contents = std::move(contents);
}

}  // namespace deltadrop::lake
