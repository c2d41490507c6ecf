#include "app/table_owners.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"

namespace deltadrop::app {
namespace {

constexpr std::chrono::seconds kLookAgain{10};
constexpr std::size_t kRememberedMax = 100'000;

std::string owner_text(const std::optional<ArchiveId>& owner) {
  return owner ? "archive " + owner->to_string()
               : std::string("another archive, which its events do not name,");
}

Error other_owner(const TableRef& table, const std::optional<ArchiveId>& owner, const ArchiveId& archive) {
  return {ErrorCode::conflict, "table-owned-by-another-archive",
          fmt::format("{} belongs to {} and this server's DATA_DIR is archive {}", table.to_string(),
                      owner ? owner_text(owner) + "," : owner_text(owner), archive.to_string()),
          "if the owner's DATA_DIR is lost, not mounted or mistyped, start the server on it, or on a backup "
          "of it; keep "
          "the database, which may hold the only copy of its events. If both archives are in use, send the "
          "file to "
          "the server of the owner. docs/operations.md, \"DATA_DIR is lost\", has the rest"};
}

/// Returns whether all tables belong to known archives other than this one.
bool only_others(const ArchiveId& archive, const std::vector<history::KnownArchive>& known) {
  return !known.empty() && std::all_of(known.begin(), known.end(), [&](const auto& each) {
    return each.archive && *each.archive != archive;
  });
}

}  // namespace

std::string empty_archive_text(const ArchiveId& archive, const std::vector<history::KnownArchive>& known) {
  std::string others;
  for (const auto& each : known) {
    std::string names;
    for (const auto& table : each.examples) names += (names.empty() ? "" : ", ") + table.to_string();
    const auto more = each.tables - static_cast<std::int64_t>(each.examples.size());
    others += fmt::format("{}{} of {} ({}{})", others.empty() ? "" : "; ", counted(each.tables, "table"),
                          each.archive == archive ? "this archive, whose files are gone"
                          : each.archive          ? "archive " + each.archive->to_string()
                                                  : "an archive that their events do not name",
                          names, more > 0 ? fmt::format(" and {} more", more) : "");
  }
  if (others.empty()) return "";
  return fmt::format(
      "this DATA_DIR is archive {}, which is empty, and the database has {}. If this is meant to be one of "
      "those, its "
      "DATA_DIR is lost, not mounted or mistyped: stop this server and start it on that DATA_DIR, or on a "
      "backup of "
      "it; keep the database and the topic, which may hold the only copy. Uploads to those tables are "
      "refused "
      "meanwhile. If this is another shard, upload its first table",
      archive.to_string(), others);
}

TableOwners::TableOwners(history::TableChains& history, const TableOwnersOptions& options)
    : history_(history), options_(options), thread_([this](const std::stop_token& stop) { work(stop); }) {}

TableOwners::~TableOwners() {
  thread_.request_stop();
  changed_.notify_all();
}

Result<void> TableOwners::check(const TableRef& table, const ArchiveId& archive,
                                const ingest::HasUpload& has_upload) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = may_write_until_.find(table);
    if (known != may_write_until_.end() && Clock::now() < known->second) return success();
  }
  const auto found = ask(table);
  if (!found) return success();
  const bool is_free = !found->owner && !found->first_upload;
  if (found->owner && *found->owner != archive) return other_owner(table, found->owner, archive);
  if (!found->owner && found->first_upload) {
    // Events of older versions of Deltadrop do not name the archive. The archive that has the first upload is
    // the owner.
    DD_TRY(const bool has_first, has_upload(*found->first_upload));
    if (!has_first) return other_owner(table, std::nullopt, archive);
  }
  const std::lock_guard lock(mutex_);
  if (may_write_until_.size() >= kRememberedMax) may_write_until_.clear();
  may_write_until_.insert_or_assign(table,
                                    Clock::now() + (is_free ? options_.remember_free : options_.remember));
  return success();
}

/// Returns nothing if the history does not answer in time, or failed slowly a moment ago.
std::optional<history::Ownership> TableOwners::ask(const TableRef& table) {
  auto question = std::make_shared<Question>(Question{table, {}});
  auto answer = question->answer.get_future();
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now < not_before_ || (asking_since_ && *asking_since_ + options_.patience < now)) return std::nullopt;
    questions_.push_back(std::move(question));
  }
  changed_.notify_all();
  if (answer.wait_for(options_.patience) != std::future_status::ready) return std::nullopt;
  auto found = answer.get();
  if (found.has_error()) return std::nullopt;
  return std::move(found).value();
}

void TableOwners::watch_archive(ingest::ArchiveReader& reader) {
  const std::lock_guard lock(mutex_);
  reader_ = &reader;
  look_at_ = Clock::now();
  changed_.notify_all();
}

std::vector<std::string> TableOwners::troubles() const {
  const std::lock_guard lock(mutex_);
  return troubles_;
}

void TableOwners::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!questions_.empty()) {
      const auto question = std::move(questions_.front());
      questions_.pop_front();
      asking_since_ = Clock::now();
      lock.unlock();
      auto answer = history_.ownership(question->table);
      const bool failed = answer.has_error();
      lock.lock();
      const bool slow = Clock::now() - *asking_since_ >= options_.slow;
      asking_since_.reset();
      // Set before the answer, so that the next caller sees it.
      if (failed && slow) not_before_ = Clock::now() + options_.pause;
      question->answer.set_value(std::move(answer));
    } else if (look_at_ && *look_at_ <= Clock::now()) {
      asking_since_ = Clock::now();
      lock.unlock();
      const auto again = look_at_archive();
      lock.lock();
      asking_since_.reset();
      look_at_ = again;
    } else {
      const auto wanted = [&] { return !questions_.empty() || (look_at_ && *look_at_ <= Clock::now()); };
      if (look_at_) {
        changed_.wait_until(lock, stop, *look_at_, wanted);
      } else {
        changed_.wait(lock, stop, wanted);
      }
    }
  }
}

/// Looks again until the history answers, and then until there is no trouble.
std::optional<TableOwners::Clock::time_point> TableOwners::look_at_archive() {
  const auto again = Clock::now() + kLookAgain;
  const auto tables = reader_->tables({std::nullopt, 1});
  const auto known = history_.archives();
  if (tables.has_error() || known.has_error()) return again;
  const auto archive = reader_->archive_id();
  const auto text = tables.value().empty() ? empty_archive_text(archive, known.value()) : std::string();
  if (!tables.value().empty() && only_others(archive, known.value())) {
    spdlog::warn(
        "the database has tables of other archives and none of this one, archive {}; if this is not a new "
        "shard, see "
        "that DATA_DIR and DATABASE_URL belong together",
        archive.to_string());
  }
  const std::lock_guard lock(mutex_);
  if (text.empty()) {
    troubles_.clear();
    return std::nullopt;
  }
  if (troubles_ != std::vector{text}) spdlog::warn("{}", text);
  troubles_ = {text};
  return again;
}

}  // namespace deltadrop::app
