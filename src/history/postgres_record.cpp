#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "core/json_text.hpp"
#include "core/values_json.hpp"
#include "history/conflicts.hpp"
#include "history/decisions.hpp"
#include "history/postgres_calls.hpp"
#include "history/postgres_rows.hpp"

namespace deltadrop::history::postgres {
namespace {

constexpr std::string_view kColumns =
    "upload_id, seq, event_id, event_type, company_id, table_name, timestamp, effective_at, key_column, "
    "key_value, old_values, new_values, changed_columns, file_id, version, line, recorded_at";
constexpr int kAttemptsMax = 5;
constexpr std::string_view kNoPredecessor = "00000000-0000-0000-0000-000000000000";

/// An upload that the batch touches.
struct Touched {
  UploadFacts facts;  ///< as in `uploads`
  UploadState state = UploadState::recorded;
  std::map<PartitionRef, std::int64_t> inserted = {};
};

/// An upload that is not recorded yet.
struct NewUpload {
  UploadFacts facts;
  std::optional<std::string> conflict = {};  ///< why it is in conflict
  bool claims = false;                       ///< it makes its archive the owner of its table

  [[nodiscard]] UploadState state() const { return conflict ? UploadState::conflict : UploadState::recorded; }
};

void append_values(std::string& line, const std::string& json) {
  if (json.empty()) {
    line += "\\N";
  } else {
    append_copy_field(line, json);
  }
  line += '\t';
}

/// Writes events as lines of COPY, in pieces.
class LineWriter {
 public:
  LineWriter(const std::vector<const LoggedEvent*>& events, const std::string& recorded_at, bool with_places)
      : events_(events), recorded_at_(recorded_at), with_places_(with_places) {}

  /// Appends nothing at the end.
  void append_piece(std::string& lines) {
    while (next_ < events_.size() && lines.size() < kCopyPieceBytes) {
      append_event(lines, events_[next_]->event);
      if (with_places_) fmt::format_to(std::back_inserter(lines), "\t{}", next_);
      lines += '\n';
      ++next_;
    }
  }

 private:
  void look_at(const UploadFacts& upload) {
    if (upload_ != nullptr && upload_->upload_id == upload.upload_id) return;
    upload_ = &upload;
    id_ = upload.upload_id.to_string();
    // Company and table names consist of letters that need no escape.
    what_ = fmt::format("{}\t{}\t{}\t{}", upload.table.company_id, upload.table.table_name,
                        time_text(upload.timestamp), time_text(upload.effective_at));
    version_.clear();
    append_copy_field(version_, upload.file_id);
    version_ += fmt::format("\t{}\t", upload.version.value);
  }

  void append_event(std::string& lines, const Event& event) {
    look_at(event.upload);
    fmt::format_to(std::back_inserter(lines), "{}\t{}\t{}\t{}\t{}\t", id_, event.seq.value,
                   event.event_id.to_string(), to_string(event.type), what_);
    append_copy_field(lines, event.key_column);
    lines += '\t';
    append_copy_field(lines, event.key_value);
    lines += '\t';
    append_values(lines, event.old_values_json);
    append_values(lines, event.new_values_json);
    changed_columns_.clear();
    append_texts_json(changed_columns_, event.changed_columns);
    append_values(lines, changed_columns_);
    lines += version_;
    fmt::format_to(std::back_inserter(lines), "{}\t{}", event.line.value, recorded_at_);
  }

  const std::vector<const LoggedEvent*>& events_;
  const std::string& recorded_at_;
  bool with_places_;
  std::size_t next_ = 0;
  const UploadFacts* upload_ = nullptr;  ///< the upload whose texts follow
  std::string id_;
  std::string what_;
  std::string version_;
  std::string changed_columns_;
};

/// Records one batch. Several consumers record parts of the same uploads at the same time, so all take locks
/// in the same order: offsets by partition, events by (upload_id, seq), new uploads by table and version,
/// known uploads by upload_id. New uploads are inserted late, because any consumer with the same new upload
/// waits for this commit.
class RecordAttempt {
 public:
  RecordAttempt(Connection& connection, const RecordBatch& batch)
      : connection_(connection), batch_(batch), recorded_at_(time_text(batch.recorded_at)) {}

  /// Returns nothing and changes nothing if another consumer meanwhile recorded one of the new uploads
  /// differently. A new attempt then sees it.
  Result<std::optional<RecordReport>> run(bool& expects_duplicates) {
    for (const auto& logged : batch_.events) ids_.insert(logged.event.upload.upload_id);
    for (const auto& letter : batch_.dead_letters) {
      if (letter.upload) ids_.insert(letter.upload->upload_id);
    }
    DD_TRY(auto transaction, begin());
    for (const auto& logged : batch_.events) touch(logged.event.upload);
    for (const auto& letter : batch_.dead_letters) {
      if (letter.upload) touch(*letter.upload);
    }
    DD_TRY(place_new_uploads());
    choose_events();
    DD_TRY(insert_events(expects_duplicates));
    if (batch_.retried && !refusal_.empty()) return still_refused(*batch_.retried, refusal_);
    for (const auto& letter : batch_.dead_letters) keep_dead_letter(letter);
    DD_TRY(const bool inserted, insert_uploads());
    if (!inserted) return std::optional<RecordReport>();
    DD_TRY(transaction.commit(last_statements()));
    return std::optional(report_);
  }

 private:
  // ---- offsets and uploads

  /// Compares and sets the offsets and looks up the uploads, in one round trip. All consumers set offsets in
  /// the same order, so two of them cannot deadlock.
  Result<Transaction> begin() {
    std::vector<const OffsetAdvance*> advances;
    advances.reserve(batch_.advances.size());
    for (const auto& advance : batch_.advances) advances.push_back(&advance);
    std::sort(advances.begin(), advances.end(),
              [](const auto* a, const auto* b) { return a->partition < b->partition; });
    std::vector<Statement> first;
    first.reserve(advances.size() + 2);
    for (const auto* advance : advances) first.push_back(move_offset(*advance));
    std::vector<std::string> ids;
    ids.reserve(ids_.size());
    for (const auto& id : ids_) ids.push_back(id.to_string());
    first.push_back(select_uploads_by_id(array_of(ids)));
    DD_TRY(auto transaction, Transaction::begin(connection_, std::move(first)));
    for (std::size_t i = 0; i < advances.size(); ++i) {
      if (transaction.first()[i].changed() != 1) return offset_moved(*advances[i]);
    }
    DD_TRY(const auto stored, all_of(transaction.first().back(), kUpload));
    for (const auto& upload : stored) {
      touched_.emplace(upload.facts.upload_id, Touched{upload.facts, upload.state, {}});
    }
    return transaction;
  }

  static Statement move_offset(const OffsetAdvance& advance) {
    std::vector<Parameter> parameters = {std::to_string(advance.to.value),
                                         storable_text(advance.identity.cluster_id),
                                         storable_text(advance.identity.topic_id), advance.partition.topic,
                                         std::to_string(advance.partition.partition.value)};
    if (!advance.from) {
      return {
          "INSERT INTO log_offsets (next_offset, cluster_id, topic_id, topic, partition) VALUES ($1, $2, $3, "
          "$4, $5) ON CONFLICT DO NOTHING",
          std::move(parameters)};
    }
    parameters.emplace_back(std::to_string(advance.from->value));
    return {
        "UPDATE log_offsets SET next_offset = $1, cluster_id = $2, topic_id = $3 WHERE topic = $4 AND "
        "partition = $5 AND next_offset = $6",
        std::move(parameters)};
  }

  void touch(const UploadFacts& facts) {
    if (touched_.contains(facts.upload_id)) return;
    touched_.emplace(facts.upload_id, Touched{facts});
    new_.push_back({facts});
  }

  static std::string previous_of(const UploadFacts& facts) {
    return facts.previous_upload_id ? facts.previous_upload_id->to_string() : std::string(kNoPredecessor);
  }

  /// Returns the recorded state that each new upload is compared with.
  Result<std::map<UploadId, Standing>> stored_standings() {
    DD_TRY(const auto rows,
           connection_.run(
               {fmt::format("SELECT f.upload_id, o.archive_id, p.upload_id IS NOT NULL, "
                            "coalesce(p.off_chain, false), r.upload_id, r.version FROM {} "
                            "LEFT JOIN table_owners o ON o.company_id = f.company_id AND o.table_name = "
                            "f.table_name LEFT JOIN uploads p ON p.upload_id = f.previous "
                            "LEFT JOIN LATERAL (SELECT "
                            "u.upload_id, u.version FROM (SELECT upload_id, version FROM uploads "
                            "WHERE company_id = f.company_id AND table_name = f.table_name AND "
                            "version = f.version AND state <> 'conflict' UNION ALL "
                            "SELECT upload_id, version FROM uploads WHERE company_id = f.company_id "
                            "AND table_name = f.table_name AND coalesce(previous_upload_id, '{}') = "
                            "f.previous AND state <> 'conflict') u WHERE u.upload_id <> f.upload_id "
                            "ORDER BY u.version LIMIT 1) r ON true",
                            kNewUploads, kNoPredecessor),
                {new_uploads_json()}}));
    std::map<UploadId, Standing> standings;
    for (int i = 0; i < rows.size(); ++i) {
      Row row = rows[i];
      DD_TRY(const auto id, as_stored(UploadId::parse(row.text())));
      Standing standing;
      DD_TRY(standing.owner, optional_id<ArchiveId>(row));
      standing.previous_recorded = row.boolean();
      standing.previous_off_chain = row.boolean();
      if (const auto rival = row.optional_text()) standing.rival = {*rival, Version(row.number())};
      standings.emplace(id, std::move(standing));
    }
    return standings;
  }

  /// Decides for each new upload, in version order, if it is in conflict and if it makes its archive the
  /// owner of its table. The first of two rivals in a batch wins.
  Result<void> place_new_uploads() {
    if (new_.empty()) return success();
    std::stable_sort(new_.begin(), new_.end(), [](const NewUpload& a, const NewUpload& b) {
      return std::tie(a.facts.table, a.facts.version) < std::tie(b.facts.table, b.facts.version);
    });
    DD_TRY(auto standings, stored_standings());
    std::map<TableRef, ArchiveId> owners;
    std::map<UploadId, const NewUpload*> placed;
    std::map<std::pair<TableRef, Version>, const UploadFacts*> versions;
    std::map<std::pair<TableRef, std::string>, const UploadFacts*> followers;
    for (auto& upload : new_) {
      const auto& facts = upload.facts;
      auto& standing = standings[facts.upload_id];
      if (const auto owner = owners.find(facts.table); !standing.owner && owner != owners.end()) {
        standing.owner = owner->second;
      }
      if (facts.previous_upload_id) {
        if (const auto previous = placed.find(*facts.previous_upload_id); previous != placed.end()) {
          standing.previous_recorded = true;
          standing.previous_off_chain = previous->second->conflict.has_value();
        }
      }
      const auto same_version = versions.find({facts.table, facts.version});
      const auto same_place = followers.find({facts.table, previous_of(facts)});
      const auto* rival = same_version != versions.end()  ? same_version->second
                          : same_place != followers.end() ? same_place->second
                                                          : nullptr;
      if (!standing.rival && rival != nullptr)
        standing.rival = {rival->upload_id.to_string(), rival->version};
      upload.claims = claims_table(facts, standing);
      if (upload.claims) owners.emplace(facts.table, *facts.archive_id);
      upload.conflict = conflict_on_arrival(facts, standing);
      if (!upload.conflict) {
        versions.emplace(std::pair(facts.table, facts.version), &facts);
        followers.emplace(std::pair(facts.table, previous_of(facts)), &facts);
      }
      placed.emplace(facts.upload_id, &upload);
      touched_.at(facts.upload_id).state = upload.state();
    }
    return success();
  }

  /// The rows of new_uploads_json().
  static constexpr std::string_view kNewUploads =
      "json_to_recordset($1::json) AS f (upload_id uuid, company_id text, table_name text, version bigint, "
      "previous uuid, file_sha256 text, types text, total bigint, state text, timestamp timestamptz, "
      "effective_at timestamptz, error text, archive_id uuid, claims boolean)";

  [[nodiscard]] std::string new_uploads_json() const {
    std::string json = "[";
    const auto add = [&json](std::string_view name, std::string_view value) {
      fmt::format_to(std::back_inserter(json), "\"{}\":", name);
      append_json_string(json, value);
      json += ',';
    };
    for (const auto& [facts, conflict, claims] : new_) {
      if (json.size() > 1) json += ',';
      json += '{';
      add("upload_id", facts.upload_id.to_string());
      add("company_id", facts.table.company_id);
      add("table_name", facts.table.table_name);
      add("previous", previous_of(facts));
      add("file_sha256", facts.file_sha256.to_hex());
      if (facts.types_json) add("types", *facts.types_json);
      add("state", to_string(conflict ? UploadState::conflict : UploadState::recorded));
      add("timestamp", time_text(facts.timestamp));
      add("effective_at", time_text(facts.effective_at));
      if (conflict) add("error", storable_text(*conflict));
      if (facts.archive_id) add("archive_id", facts.archive_id->to_string());
      fmt::format_to(std::back_inserter(json), "\"claims\":{},\"version\":{},\"total\":{}}}", claims,
                     facts.version.value, facts.total);
    }
    return json + ']';
  }

  /// Inserts the new uploads and waits for other consumers that insert one of them. Returns false if a stored
  /// upload then differs from ours.
  Result<bool> insert_uploads() {
    if (new_.empty()) return true;
    DD_TRY(const bool claimed, claim_tables());
    if (!claimed) return false;
    DD_TRY(
        const auto rows,
        connection_.run(
            {fmt::format("INSERT INTO uploads (upload_id, company_id, table_name, version, "
                         "previous_upload_id, file_sha256, types, total, state, timestamp, effective_at, "
                         "error, archive_id, off_chain) SELECT upload_id, company_id, table_name, version, "
                         "nullif(previous, '{}'), file_sha256, types::json, total, state, timestamp, "
                         "effective_at, error, archive_id, state = 'conflict' FROM {} ORDER BY company_id "
                         "COLLATE \"C\", table_name COLLATE \"C\", version, upload_id "
                         "ON CONFLICT DO NOTHING RETURNING upload_id",
                         kNoPredecessor, kNewUploads),
             {new_uploads_json()}}));
    DD_TRY(report_conflicts(rows));
    if (rows.size() == std::ssize(new_)) return true;
    std::vector<std::string> ids;
    for (const auto& upload : new_) ids.push_back(upload.facts.upload_id.to_string());
    DD_TRY(const auto found, connection_.run(select_uploads_by_id(array_of(ids))));
    DD_TRY(const auto stored, all_of(found, kUpload));
    if (stored.size() != new_.size()) return false;
    const std::map<UploadId, UploadState> wanted = [this] {
      std::map<UploadId, UploadState> states;
      for (const auto& upload : new_) states.emplace(upload.facts.upload_id, upload.state());
      return states;
    }();
    return std::all_of(stored.begin(), stored.end(), [&](const auto& each) {
      const auto& id = each.facts.upload_id;
      return each.state == wanted.at(id) && same_upload(each.facts, touched_.at(id).facts);
    });
  }

  /// Makes the archives of the uploads that claim their tables the owners, in table order. Returns false if
  /// another consumer meanwhile made another archive an owner.
  Result<bool> claim_tables() {
    const auto claims = std::count_if(new_.begin(), new_.end(), [](const auto& each) { return each.claims; });
    if (claims == 0) return true;
    DD_TRY(
        const auto rows,
        connection_.run({fmt::format("INSERT INTO table_owners (company_id, table_name, archive_id) SELECT "
                                     "company_id, table_name, archive_id FROM {} WHERE claims ORDER BY "
                                     "company_id COLLATE \"C\", table_name COLLATE \"C\" "
                                     "ON CONFLICT DO NOTHING",
                                     kNewUploads),
                         {new_uploads_json()}}));
    if (rows.changed() == claims) return true;
    // Usually the other consumer records the same uploads and claimed the table for the same archive.
    DD_TRY(const auto owned,
           connection_.run({fmt::format("SELECT count(*) FROM {} JOIN table_owners o ON o.company_id = "
                                        "f.company_id AND o.table_name = f.table_name AND o.archive_id = "
                                        "f.archive_id WHERE f.claims",
                                        kNewUploads),
                            {new_uploads_json()}}));
    return owned[0].number() == claims;
  }

  /// Reports the inserted uploads that are in conflict; the consumer that inserts an upload reports it.
  /// Uploads recorded earlier that follow one become conflicts too. Otherwise the next upload of the other
  /// chain would have one of them as a rival.
  Result<void> report_conflicts(const Rows& inserted) {
    std::set<std::string, std::less<>> ids;
    for (int i = 0; i < inserted.size(); ++i) ids.emplace(inserted[i].text());
    bool locked = false;
    for (const auto& upload : new_) {
      if (!upload.conflict || !ids.contains(upload.facts.upload_id.to_string())) continue;
      if (!std::exchange(locked, true)) {
        DD_TRY(lock_with_followers());
      }
      report_.conflicts.push_back({upload.facts, UploadState::conflict, 0, {}, {}, {}, *upload.conflict, {}});
      DD_TRY(take_followers_along(upload.facts));
    }
    return success();
  }

  /// Locks all known uploads that this batch may change, including those that follow one in conflict. One
  /// statement does it, because locks taken in several statements have no common order.
  Result<void> lock_with_followers() {
    std::vector<std::string> ids = changed_;
    for (const auto& [id, upload] : touched_) {
      if (upload.state == UploadState::blocked) ids.push_back(id.to_string());
    }
    DD_TRY(connection_.run({fmt::format("SELECT FROM uploads WHERE upload_id = ANY ($2::uuid[]) OR (state IN "
                                        "('recorded', 'blocked') AND (company_id, table_name) IN (SELECT "
                                        "f.company_id, f.table_name FROM {} WHERE f.state = 'conflict')) "
                                        "ORDER BY upload_id FOR UPDATE",
                                        kNewUploads),
                            {new_uploads_json(), array_of(ids)}}));
    return success();
  }

  Result<void> take_followers_along(const UploadFacts& facts) {
    UploadId last = facts.upload_id;
    while (true) {
      const std::string why = follows_conflict(last);
      DD_TRY(
          const auto changed,
          connection_.run(
              {fmt::format("UPDATE uploads SET state = 'conflict', off_chain = true, error = $4 WHERE "
                           "company_id = $1 AND table_name = $2 AND coalesce(previous_upload_id, '{}') = $3 "
                           "AND state <> 'conflict' AND state IN ('recorded', 'blocked') RETURNING upload_id",
                           kNoPredecessor),
               {facts.table.company_id, facts.table.table_name, last.to_string(), why}}));
      if (changed.empty()) return success();
      DD_TRY(last, as_stored(UploadId::parse(changed[0].text())));
      DD_TRY(auto next, find_upload(connection_, last));
      if (!next) return damaged("an upload that was changed just now is gone");
      if (const auto known = touched_.find(last); known != touched_.end()) {
        known->second.state = UploadState::conflict;
      }
      report_.conflicts.push_back(std::move(*next));
    }
  }

  // ---- events

  /// Refuses events that contradict their upload.
  void choose_events() {
    for (const auto& logged : batch_.events) {
      const Event& event = logged.event;
      Touched& upload = touched_.at(event.upload.upload_id);
      if (same_upload(upload.facts, event.upload)) {
        chosen_.push_back(&logged);
      } else {
        refuse(logged, kOtherUpload);
      }
    }
    // Events of several partitions arrive mixed. In sorted order each index page is filled once. The sort is
    // stable, so the earlier of two equal events in the log remains first.
    std::stable_sort(chosen_.begin(), chosen_.end(), [](const auto* a, const auto* b) {
      return std::tie(a->event.upload.upload_id, a->event.seq) <
             std::tie(b->event.upload.upload_id, b->event.seq);
    });
  }

  Result<void> insert_events(bool& expects_duplicates) {
    if (chosen_.empty()) return success();
    if (!expects_duplicates) {
      DD_TRY(const bool inserted, insert_directly());
      if (inserted) return success();
    }
    DD_TRY(const std::int64_t already_there, insert_by_staging());
    expects_duplicates = already_there > 0;
    return success();
  }

  /// Returns false and inserts nothing if one of the events is already recorded.
  Result<bool> insert_directly() {
    DD_TRY(connection_.run({"SAVEPOINT direct", {}}));
    const auto copied = copy_events("cdc_events", false);
    if (copied) {
      for (const auto* logged : chosen_) count_inserted(*logged);
      return true;
    }
    if (copied.error().type != "unique-violation") return copied.error();
    DD_TRY(connection_.run({"ROLLBACK TO SAVEPOINT direct", {}}));
    return false;
  }

  /// Inserts the events that are not recorded yet and compares the others with the recorded ones. Returns the
  /// number of the others.
  Result<std::int64_t> insert_by_staging() {
    DD_TRY(connection_.run_all(
        {{"CREATE TEMPORARY TABLE IF NOT EXISTS incoming_events (LIKE cdc_events) ON COMMIT DELETE ROWS", {}},
         {"ALTER TABLE incoming_events ADD COLUMN IF NOT EXISTS place bigint", {}}}));
    DD_TRY(copy_events("incoming_events", true));
    // The first of two events with the same ids in a batch wins.
    DD_TRY(const auto inserted,
           connection_.run({fmt::format("WITH inserted AS (INSERT INTO cdc_events ({0}) SELECT {0} FROM "
                                        "incoming_events ORDER BY place ON CONFLICT (upload_id, seq) DO "
                                        "NOTHING RETURNING upload_id, seq) SELECT min(place) FROM "
                                        "incoming_events JOIN inserted USING (upload_id, seq) "
                                        "GROUP BY upload_id, seq",
                                        kColumns),
                            {}}));
    for (int i = 0; i < inserted.size(); ++i) count_inserted(at_place(inserted[i].number()));
    const auto already_there = static_cast<std::int64_t>(chosen_.size()) - inserted.size();
    report_.already_there += already_there;
    if (already_there == 0) return 0;
    DD_TRY(const auto others,
           connection_.run(
               {"SELECT i.place FROM incoming_events i CROSS JOIN LATERAL (SELECT * FROM cdc_events c WHERE "
                "c.upload_id = i.upload_id AND c.seq = i.seq LIMIT 1) e "
                "WHERE (i.event_type, i.key_column, i.key_value, i.old_values, i.new_values, "
                "i.changed_columns, i.line) IS DISTINCT FROM (e.event_type, e.key_column, e.key_value, "
                "e.old_values, e.new_values, e.changed_columns, e.line) ORDER BY i.place",
                {}}));
    for (int i = 0; i < others.size(); ++i) refuse(at_place(others[i].number()), kOtherEvent);
    return already_there;
  }

  const LoggedEvent& at_place(std::int64_t place) const { return *chosen_[static_cast<std::size_t>(place)]; }

  void count_inserted(const LoggedEvent& logged) {
    ++report_.inserted;
    ++touched_.at(logged.event.upload.upload_id).inserted[logged.partition];
  }

  Result<void> copy_events(std::string_view table, bool with_places) {
    LineWriter writer(chosen_, recorded_at_, with_places);
    return connection_.copy(
        fmt::format("COPY {} ({}{}) FROM STDIN", table, kColumns, with_places ? ", place" : ""),
        [&](std::string& lines) { writer.append_piece(lines); });
  }

  // ---- statements of the commit

  void refuse(const LoggedEvent& logged, std::string_view why) {
    const DeadLetter letter = refusal_of(batch_, logged, why);
    Touched& upload = touched_.at(logged.event.upload.upload_id);
    refusal_ = letter.reason;
    insert_dead_letter(letter, upload.facts.upload_id.to_string());
    if (upload.state == UploadState::applied || upload.state == UploadState::conflict) return;
    report_.conflicts.push_back({upload.facts, UploadState::conflict, 0, {}, {}, {}, letter.reason, {}});
    set_state(upload, UploadState::conflict, "'recorded', 'blocked'", letter.reason);
  }

  void keep_dead_letter(const DeadLetter& letter) {
    if (!letter.upload) return insert_dead_letter(letter, std::nullopt);
    Touched& upload = touched_.at(letter.upload->upload_id);
    insert_dead_letter(letter, upload.facts.upload_id.to_string());
    if (upload.state != UploadState::recorded) return;
    set_state(upload, UploadState::blocked, "'recorded'", blocked_by(letter));
  }

  void insert_dead_letter(const DeadLetter& letter, const Parameter& upload_id) {
    std::string payload = "\\x";
    for (const char c : letter.payload) {
      fmt::format_to(std::back_inserter(payload), "{:02x}", static_cast<std::uint8_t>(c));
    }
    last_.push_back(
        {"INSERT INTO dead_letters (topic_id, partition, log_offset, topic, payload, reason, upload_id, "
         "recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
         {storable_text(letter.identity.topic_id), std::to_string(letter.partition.partition.value),
          std::to_string(letter.offset.value), letter.partition.topic, std::move(payload),
          storable_text(letter.reason), upload_id, recorded_at_}});
  }

  /// Does nothing if the state is not one of `from`: an applied upload remains applied.
  void set_state(Touched& upload, UploadState state, std::string_view from, const std::string& error) {
    upload.state = state;
    changed_.push_back(upload.facts.upload_id.to_string());
    last_.push_back({fmt::format("UPDATE uploads SET state = '{}', error = $2 WHERE upload_id = $1 AND "
                                 "state IN ({})",
                                 to_string(state), from),
                     {upload.facts.upload_id.to_string(), storable_text(error)}});
  }

  std::vector<Statement> last_statements() {
    count_parts();
    unblock_repaired();
    resolve_retried();
    wait_for_disk_only_where_needed();
    if (!changed_.empty()) last_.insert(last_.begin(), lock_changed());
    return std::move(last_);
  }

  /// Locks the rows that later statements change in any order, so two consumers cannot deadlock. The lock
  /// comes before parts are counted, so one of two consumers that record an upload's last events sees them
  /// all.
  Statement lock_changed() const {
    return {"SELECT FROM uploads WHERE upload_id = ANY ($1::uuid[]) ORDER BY upload_id FOR UPDATE",
            {array_of(changed_)}};
  }

  void count_parts() {
    for (const auto& [id, upload] : touched_) {
      for (const auto& [partition, inserted] : upload.inserted) {
        last_.push_back(
            {"INSERT INTO upload_parts AS p (upload_id, topic, partition, seen) VALUES ($1, $2, $3, $4) "
             "ON CONFLICT (upload_id, topic, partition) DO UPDATE SET seen = p.seen + excluded.seen",
             {id.to_string(), partition.topic, std::to_string(partition.partition.value),
              std::to_string(inserted)}});
      }
    }
  }

  /// Unblocks uploads whose events are now all recorded, after they were published again.
  void unblock_repaired() {
    std::vector<std::string> blocked;
    for (const auto& [id, upload] : touched_) {
      if (upload.state == UploadState::blocked) blocked.push_back(id.to_string());
    }
    if (blocked.empty()) return;
    changed_.insert(changed_.end(), blocked.begin(), blocked.end());
    const std::string ids = array_of(blocked);
    last_.push_back(
        {"UPDATE uploads u SET state = 'recorded', error = NULL WHERE upload_id = ANY ($1::uuid[]) "
         "AND state = 'blocked' AND total <= (SELECT sum(seen) FROM upload_parts p "
         "WHERE p.upload_id = u.upload_id)",
         {ids}});
    last_.push_back(
        {"UPDATE dead_letters d SET resolved_at = $2 WHERE upload_id = ANY ($1::uuid[]) AND resolved_at IS "
         "NULL AND EXISTS (SELECT FROM uploads u WHERE u.upload_id = d.upload_id AND u.state = 'recorded')",
         {ids, recorded_at_}});
  }

  void resolve_retried() {
    if (!batch_.retried) return;
    last_.push_back(
        {"UPDATE dead_letters SET resolved_at = $4 WHERE topic_id = $1 AND partition = $2 AND "
         "log_offset = $3 AND resolved_at IS NULL",
         {batch_.retried->topic_id, std::to_string(batch_.retried->partition.value),
          std::to_string(batch_.retried->offset.value), recorded_at_}});
  }

  /// Commits without waiting for the disk if that is safe. If the server crashes, it may lose these events
  /// together with their offsets, and they are read and recorded again. The commit that applies their upload
  /// waits for the disk, and so for them (docs/decisions/0008). A batch that leads to no such commit waits
  /// itself.
  void wait_for_disk_only_where_needed() {
    const bool may_go_unapplied =
        report_.inserted == 0 || !refusal_.empty() || !batch_.dead_letters.empty() || batch_.retried;
    if (!may_go_unapplied) last_.push_back({"SET LOCAL synchronous_commit = off", {}});
  }

  Connection& connection_;
  const RecordBatch& batch_;
  std::string recorded_at_;
  std::set<UploadId> ids_;
  std::map<UploadId, Touched> touched_;
  std::vector<NewUpload> new_;        ///< in the order of the log
  std::vector<std::string> changed_;  ///< ids of the uploads whose rows `last_` changes
  std::vector<const LoggedEvent*> chosen_;
  std::vector<Statement> last_;
  std::string refusal_;  ///< why the last event that contradicts its upload was refused
  RecordReport report_;
};

}  // namespace

Result<RecordReport> BatchWriter::record(Connection& connection, const RecordBatch& batch) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    DD_TRY(const auto report, RecordAttempt(connection, batch).run(expects_duplicates_));
    if (report) return *report;
  }
  return Error{ErrorCode::unavailable, "serialization",
               "a batch could not be recorded because other consumers record the same uploads in other ways",
               "the same call may succeed later"};
}

}  // namespace deltadrop::history::postgres
