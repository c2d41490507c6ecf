#include "history/postgres_history.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "history/decisions.hpp"
#include "history/postgres_calls.hpp"
#include "history/postgres_connection.hpp"
#include "history/postgres_rows.hpp"

namespace deltadrop::history::postgres {
namespace {

constexpr std::size_t kIdleReadersMax = 4;

/// Opens connections to a database whose schema is up to date.
class Door {
 public:
  explicit Door(Options options) : options_(std::move(options)) {}

  Result<Connection> open() {
    DD_TRY(auto connection, Connection::open(options_));
    if (schema_ready_) return connection;
    DD_TRY(prepare_schema(connection, options_));
    schema_ready_ = true;
    return connection;
  }
  /// Makes the next connection check the schema again, because it may reach another database.
  void close() { schema_ready_ = false; }

 private:
  const Options options_;
  std::atomic<bool> schema_ready_ = false;
};

/// A connection with its own lock. If it is lost, the call fails and the next call opens another one.
class Lane {
 public:
  Lane(Door& door, Patience patience) : door_(door), patience_(patience) {}

  template <class Use>
  auto with(const Use& use) -> decltype(use(std::declval<Connection&>())) {
    const std::lock_guard lock(mutex_);
    if (!connection_ || !connection_->usable()) {
      connection_.reset();
      DD_TRY(auto connection, door_.open());
      DD_TRY(connection.wait_with(patience_));
      connection_ = std::move(connection);
    }
    auto result = use(*connection_);
    if (!connection_->usable()) door_.close();
    return result;
  }

 private:
  Door& door_;
  Patience patience_;
  std::mutex mutex_;
  std::optional<Connection> connection_;
};

/// The connections that read, one per call. A read is retried once if its idle connection turns out to be
/// lost.
class Readers {
 public:
  Readers(Door& door, Patience patience) : door_(door), patience_(patience) {}

  template <class Use>
  auto with(const Use& use) -> decltype(use(std::declval<Connection&>())) {
    if (auto idle = take()) {
      auto result = use(*idle);
      if (idle->usable()) {
        give_back(std::move(*idle));
        return result;
      }
      forget();
      if (is_final(result.error())) return result;
    }
    DD_TRY(auto fresh, open());
    auto result = use(fresh);
    if (fresh.usable()) give_back(std::move(fresh));
    return result;
  }

  /// Runs a call that cannot be repeated, on a connection that just responded.
  template <class Use>
  auto once(const Use& use) -> decltype(use(std::declval<Connection&>())) {
    DD_TRY(auto connection, take_answering());
    auto result = use(connection);
    if (connection.usable()) {
      give_back(std::move(connection));
    } else {
      door_.close();
    }
    return result;
  }

 private:
  Result<Connection> open() {
    DD_TRY(auto connection, door_.open());
    if (patience_ != Patience::limited) {
      DD_TRY(connection.wait_with(patience_));
    }
    return connection;
  }
  Result<Connection> take_answering() {
    if (auto idle = take()) {
      const auto answered = idle->run({"SELECT 1", {}});
      if (answered) return std::move(*idle);
      forget();
      if (is_final(answered.error())) return answered.error();
    }
    return open();
  }
  std::optional<Connection> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::nullopt;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  void give_back(Connection connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(connection));
  }
  /// Returns true if a retry on another connection would fail in the same way.
  static bool is_final(const Error& error) {
    return error.type == "stopping" || error.type == "database-silent";
  }
  /// Drops all idle connections: if one is lost, the others probably are too.
  void forget() {
    door_.close();
    const std::lock_guard lock(mutex_);
    idle_.clear();
  }

  Door& door_;
  Patience patience_;
  std::mutex mutex_;
  std::vector<Connection> idle_;
};

class PostgresHistory final : public HistoryStore {
 public:
  explicit PostgresHistory(Options options) : door_(std::move(options)) {}

  Result<std::vector<StoredOffset>> offsets(const std::string& topic) override {
    return readers_.with([&](Connection& connection) { return read_offsets(connection, topic); });
  }
  Result<RecordReport> record(const RecordBatch& batch) override {
    return recording_.with([&](Connection& connection) { return batch_writer_.record(connection, batch); });
  }

  Result<std::vector<TableRef>> tables_to_apply() override { return readers_.with(read_tables_to_apply); }
  Result<ApplyOutcome> apply_next(const TableRef& table, Timestamp now) override {
    return applying_.with(
        [&](Connection& connection) { return postgres::apply_next(connection, table, now); });
  }

  Result<std::vector<UploadStatus>> uploads_for_lake() override {
    return readers_.with(read_uploads_for_lake);
  }
  Result<std::vector<TableRef>> applied_tables() override { return readers_.with(read_applied_tables); }
  Result<std::vector<UploadStatus>> applied_uploads(const TableRef& table, Version last) override {
    return readers_.with(
        [&](Connection& connection) { return read_applied_uploads(connection, table, last); });
  }
  Result<void> scan_events(const UploadId& upload, ChangeType type,
                           const std::function<Result<void>(const Event&)>& use) override;
  Result<std::vector<LakeColumn>> lake_columns(const TableRef& table) override {
    return readers_.with([&](Connection& connection) { return read_lake_columns(connection, table); });
  }
  Result<void> mark_in_lake(const UploadId& upload, const std::vector<LakeColumn>& columns,
                            Timestamp now) override {
    // This is idempotent and must not wait for a long apply, so it uses a reader's connection.
    return readers_.with(
        [&](Connection& connection) { return postgres::mark_in_lake(connection, upload, columns, now); });
  }

  Result<std::vector<StoredRecord>> records(const RecordQuery& query) override {
    return readers_.with([&](Connection& connection) { return read_records(connection, query); });
  }
  Result<std::vector<AppliedEvent>> events(const EventQuery& query) override {
    return readers_.with([&](Connection& connection) { return read_events(connection, query); });
  }
  Result<AppliedNo> last_applied() override { return readers_.with(read_last_applied); }
  Result<std::optional<UploadStatus>> upload(const UploadId& upload) override {
    return readers_.with([&](Connection& connection) { return find_upload(connection, upload); });
  }
  Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) override {
    return readers_.with([&](Connection& connection) { return read_applied_among(connection, uploads); });
  }
  Result<std::vector<DeadLetterEntry>> dead_letters(std::int64_t limit) override {
    return readers_.with([&](Connection& connection) { return read_dead_letters(connection, limit); });
  }
  Result<std::optional<DeadLetterEntry>> dead_letter(const DeadLetterId& id) override {
    return readers_.with([&](Connection& connection) { return read_dead_letter(connection, id); });
  }
  Result<Summary> summary() override { return readers_.with(read_summary); }
  Result<Ownership> ownership(const TableRef& table) override {
    return readers_.with([&](Connection& connection) { return read_ownership(connection, table); });
  }
  Result<std::vector<KnownArchive>> archives() override { return readers_.with(read_archives); }
  Result<std::vector<UploadStatus>> uploads_of(const TableRef& table) override {
    return readers_.with([&](Connection& connection) { return read_uploads_of(connection, table); });
  }
  Result<Resolution> resolve(const TableRef& table, const std::optional<UploadId>& keep,
                             Timestamp now) override {
    return applying_.with(
        [&](Connection& connection) { return postgres::resolve(connection, table, keep, now); });
  }
  Result<void> health() override {
    return readers_.with([](Connection& connection) -> Result<void> {
      DD_TRY(connection.run({"SELECT last_no FROM applied_counter", {}}));
      return success();
    });
  }

 private:
  Door door_;
  Lane recording_{door_, Patience::limited};
  Lane applying_{door_, Patience::while_server_answers};
  Readers readers_{door_, Patience::limited};
  Readers scanners_{door_, Patience::while_server_answers};  ///< an upload may have any size
  BatchWriter batch_writer_;                                 ///< used only inside `recording_`
};

Result<void> PostgresHistory::scan_events(const UploadId& upload, ChangeType type,
                                          const std::function<Result<void>(const Event&)>& use) {
  DD_TRY(const auto stored, this->upload(upload));
  if (!stored) return no_such_upload(upload);
  return scanners_.once(
      [&](Connection& connection) { return postgres::scan_events(connection, stored->facts, type, use); });
}

/// Removes the parts of the URL that libpq quotes. Any of them may contain the password, except the name of
/// an option.
std::string without_quoted(std::string text) {
  if (text.find(" option ") != std::string::npos || text.find("query parameter:") != std::string::npos) {
    return text;
  }
  for (std::size_t from = text.find('"'); from != std::string::npos;) {
    const std::size_t to = text.find('"', from + 1);
    if (to == std::string::npos) return text.substr(0, from) + "...";
    if (to - from > 2) {
      text.replace(from, to - from + 1, "...");
      from = text.find('"', from + 3);
    } else {
      from = text.find('"', to + 1);
    }
  }
  return text;
}

using ParsedUrl = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

/// Returns null and sets `complaint` to libpq's message if libpq cannot parse the URL.
ParsedUrl parse_url(const std::string& url, std::string* complaint) {
  char* words = nullptr;
  ParsedUrl parsed(PQconninfoParse(url.c_str(), &words), &PQconninfoFree);
  if (complaint != nullptr && words != nullptr) *complaint = without_quoted(message_in(words));
  PQfreemem(words);
  return parsed;
}

/// Returns libpq's message about an invalid URL, or "".
std::string complaint_about(const std::string& url) {
  std::string complaint;
  return parse_url(url, &complaint) != nullptr ? "" : complaint;
}

/// Quotes a value of a keyword/value connection string (libpq, section 34.1.1.1).
std::string quoted_value(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  const bool plain = !value.empty() && value.find_first_of(" \t\n'\\") == std::string_view::npos;
  return plain ? std::string(value) : quoted + "'";
}

}  // namespace

std::string masked_url(const std::string& url) {
  constexpr std::string_view kMask = "***";
  if (url.empty()) return url;
  const auto parsed = parse_url(url, nullptr);
  if (parsed == nullptr) return std::string(kMask);
  std::vector<std::string> words;
  std::map<std::string, std::string, std::less<>> parts;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const bool secret = std::string_view(option->dispchar) == "*";
    std::string value(secret ? kMask : option->val);
    // libpq accepts a whole connection string as dbname.
    const bool nested = option->keyword == std::string_view("dbname") &&
                        (value.find("://") != std::string::npos || value.find('=') != std::string::npos);
    if (nested) value = masked_url(value);
    words.push_back(fmt::format("{}={}", option->keyword, secret ? value : quoted_value(value)));
    parts.emplace(option->keyword, std::move(value));
  }
  // This is the common form. Other forms are shown as libpq parsed them.
  const bool usual = url.starts_with("postgresql://") && parts.size() == 5 && parts.contains("password") &&
                     parts.contains("user") && parts.contains("host") && parts.contains("port") &&
                     parts.contains("dbname") && url.find_first_of("%?,[") == std::string::npos;
  if (!usual) return fmt::format("{}", fmt::join(words, " "));
  return fmt::format("postgresql://{}:{}@{}:{}/{}", parts["user"], kMask, parts["host"], parts["port"],
                     parts["dbname"]);
}

Result<std::unique_ptr<HistoryStore>> open(Options options) {
  // libpq would replace an empty URL by its own defaults and environment variables.
  const std::string complaint = options.url.empty() ? "it is empty" : complaint_about(options.url);
  if (!complaint.empty()) {
    return Error{ErrorCode::invalid_input, "bad-database-url",
                 "DATABASE_URL is no connection URL: " + complaint,
                 "write it as postgresql://user:password@host:5432/database; percent-encode what is special "
                 "in the password"};
  }
  return std::unique_ptr<HistoryStore>(std::make_unique<PostgresHistory>(std::move(options)));
}

}  // namespace deltadrop::history::postgres
