#include <fmt/format.h>

#include <map>
#include <unordered_map>

#include "core/values_json.hpp"
#include "history/conflicts.hpp"
#include "history/decisions.hpp"
#include "history/sqlite_calls.hpp"
#include "history/sqlite_rows.hpp"

namespace deltadrop::history::sqlite {
namespace {

namespace db = deltadrop::sqlite;

/// An upload that the batch touches.
struct Touched {
  UploadFacts facts;  ///< as in `uploads`
  UploadState state = UploadState::recorded;
  std::string id;
  std::string timestamp;
  std::string effective_at;
  std::map<PartitionRef, std::int64_t> inserted;
};

std::optional<std::string_view> values_or_null(const std::string& json) {
  if (json.empty()) return std::nullopt;
  return json;
}

class Recording {
 public:
  Recording(db::Database& database, const RecordBatch& batch)
      : database_(database), batch_(batch), recorded_at_(batch.recorded_at.to_string()) {}

  Result<RecordReport> run() {
    for (const auto& advance : batch_.advances) {
      DD_TRY(move_offset(advance));
    }
    DD_TRY(insert_events());
    if (batch_.retried && !refusal_.empty()) return still_refused(*batch_.retried, refusal_);
    for (const auto& letter : batch_.dead_letters) {
      DD_TRY(keep_dead_letter(letter));
    }
    DD_TRY(count_parts());
    DD_TRY(unblock_repaired());
    DD_TRY(resolve_retried());
    return report_;
  }

 private:
  Result<void> move_offset(const OffsetAdvance& advance) {
    const std::string_view set_first =
        "INSERT INTO log_offsets (next_offset, cluster_id, topic_id, topic, partition) VALUES (?, ?, ?, ?, "
        "?) "
        "ON CONFLICT DO NOTHING";
    const std::string_view compare_and_set =
        "UPDATE log_offsets SET next_offset = ?, cluster_id = ?, topic_id = ? "
        "WHERE topic = ? AND partition = ? AND next_offset = ?";
    DD_TRY(auto move, database_.prepare(advance.from ? compare_and_set : set_first));
    bind_all(move, advance.to.value, advance.identity.cluster_id, advance.identity.topic_id,
             advance.partition.topic, std::int64_t{advance.partition.partition.value});
    if (advance.from) move.bind(6, advance.from->value);
    DD_TRY(move.run());
    if (database_.changes() == 1) return success();
    return offset_moved(advance);
  }

  Result<void> insert_events() {
    DD_TRY(auto insert,
           database_.prepare(
               "INSERT INTO cdc_events (upload_id, seq, event_id, event_type, company_id, table_name, "
               "timestamp, effective_at, key_column, key_value, old_values, new_values, "
               "changed_columns, file_id, version, line, recorded_at) "
               "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17 "
               // Skip recorded events; a trigger would refuse them.
               "WHERE NOT EXISTS (SELECT 1 FROM cdc_events WHERE upload_id = ?1 AND seq = ?2)"));
    Touched* upload = nullptr;
    for (const auto& logged : batch_.events) {
      const Event& event = logged.event;
      if (upload == nullptr || upload->facts.upload_id != event.upload.upload_id) {
        DD_TRY(upload, touch(event.upload));
      }
      if (!same_upload(upload->facts, event.upload)) {
        DD_TRY(refuse(logged, *upload, kOtherUpload));
        continue;
      }
      DD_TRY(insert_event(insert, event, *upload));
      if (database_.changes() == 1) {
        ++report_.inserted;
        ++upload->inserted[logged.partition];
        continue;
      }
      ++report_.already_there;
      DD_TRY(const bool same, is_recorded(event, *upload));
      if (!same) {
        DD_TRY(refuse(logged, *upload, kOtherEvent));
      }
    }
    return success();
  }

  Result<void> insert_event(db::Statement& insert, const Event& event, const Touched& upload) {
    const std::string event_id = event.event_id.to_string();
    changed_columns_.clear();
    append_texts_json(changed_columns_, event.changed_columns);
    return bind_all(insert, upload.id, event.seq.value, event_id, to_string(event.type),
                    event.upload.table.company_id, event.upload.table.table_name, upload.timestamp,
                    upload.effective_at, event.key_column, event.key_value,
                    values_or_null(event.old_values_json), values_or_null(event.new_values_json),
                    changed_columns_, event.upload.file_id, event.upload.version.value, event.line.value,
                    recorded_at_)
        .run();
  }

  Result<bool> is_recorded(const Event& event, const Touched& upload) {
    DD_TRY(auto select,
           database_.prepare(fmt::format("SELECT {} FROM cdc_events e WHERE e.upload_id = ? AND e.seq = ?",
                                         kEventColumns)));
    select.bind(1, upload.id).bind(2, event.seq.value);
    DD_TRY(const bool found, select.step());
    if (!found) return false;
    DD_TRY(const Event recorded, event_of(Row(select), event.upload));
    return recorded.type == event.type && recorded.key_value == event.key_value &&
           recorded.line == event.line && recorded.changed_columns == event.changed_columns &&
           recorded.key_column == event.key_column && recorded.old_values_json == event.old_values_json &&
           recorded.new_values_json == event.new_values_json;
  }

  /// Returns the upload's row and inserts it if it does not exist yet.
  Result<Touched*> touch(const UploadFacts& facts) {
    const auto known = touched_.find(facts.upload_id);
    if (known != touched_.end()) return &known->second;
    Touched upload{facts,
                   UploadState::recorded,
                   facts.upload_id.to_string(),
                   facts.timestamp.to_string(),
                   facts.effective_at.to_string(),
                   {}};
    DD_TRY(auto stored, find_upload(database_, facts.upload_id));
    if (stored) {
      upload.facts = stored->facts;
      upload.state = stored->state;
    } else {
      DD_TRY(insert_upload(upload));
    }
    return &touched_.emplace(facts.upload_id, std::move(upload)).first->second;
  }

  Result<void> insert_upload(Touched& upload) {
    const UploadFacts& facts = upload.facts;
    std::optional<std::string> previous;
    if (facts.previous_upload_id) previous = facts.previous_upload_id->to_string();
    DD_TRY(const auto standing, standing_of(facts, previous.value_or("")));
    const auto conflict = conflict_on_arrival(facts, standing);
    if (conflict) upload.state = UploadState::conflict;
    std::optional<std::string> archive;
    if (facts.archive_id) archive = facts.archive_id->to_string();
    if (claims_table(facts, standing)) {
      DD_TRY(set_owner(database_, facts.table, *archive));
    }
    DD_TRY(
        auto insert,
        database_.prepare(
            "INSERT INTO uploads (upload_id, company_id, table_name, version, "
            "previous_upload_id, file_sha256, types, total, state, timestamp, "
            "effective_at, error, archive_id, off_chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    const std::string sha256 = facts.file_sha256.to_hex();
    bind_all(insert, upload.id, facts.table.company_id, facts.table.table_name, facts.version.value, previous,
             sha256, facts.types_json, facts.total, to_string(upload.state), upload.timestamp,
             upload.effective_at, conflict, archive, std::int64_t{conflict.has_value()});
    DD_TRY(insert.run());
    return conflict ? found_in_conflict(upload, *conflict) : success();
  }

  Result<Standing> standing_of(const UploadFacts& facts, const std::string& previous) {
    Standing standing;
    DD_TRY(standing.owner, owner_of(database_, facts.table));
    DD_TRY(standing.rival, rival_of(facts, previous));
    DD_TRY(auto select, database_.prepare("SELECT off_chain FROM uploads WHERE upload_id = ?1"));
    DD_TRY(standing.previous_recorded, select.bind(1, previous).step());
    standing.previous_off_chain = standing.previous_recorded && Row(select).number() != 0;
    return standing;
  }

  /// Returns the upload that already has this position in the chain.
  Result<std::optional<Standing::Rival>> rival_of(const UploadFacts& facts, const std::string& previous) {
    DD_TRY(auto select,
           database_.prepare(
               "SELECT upload_id, version FROM uploads WHERE company_id = ?1 AND table_name = ?2 "
               "AND state <> 'conflict' AND version = ?3 "
               "UNION ALL SELECT upload_id, version FROM uploads WHERE company_id = ?1 AND table_name = ?2 "
               "AND state <> 'conflict' AND coalesce(previous_upload_id, '') = ?4 LIMIT 1"));
    select.bind(1, facts.table.company_id).bind(2, facts.table.table_name);
    select.bind(3, facts.version.value).bind(4, previous);
    return first_of(select, [](Row row) -> Result<Standing::Rival> {
      return Standing::Rival{std::string(row.text()), Version(row.number())};
    });
  }

  /// Reports the upload and puts the uploads recorded earlier that follow it in conflict too. Otherwise the
  /// next upload of the other chain would have one of them as a rival.
  Result<void> found_in_conflict(const Touched& upload, const std::string& error) {
    report_.conflicts.push_back({upload.facts, UploadState::conflict, 0, {}, {}, {}, error, {}});
    UploadId last = upload.facts.upload_id;
    while (true) {
      std::optional<UploadStatus> next;
      {
        DD_TRY(
            auto select,
            database_.prepare(select_uploads(
                "WHERE u.company_id = ?1 AND u.table_name = ?2 AND coalesce(u.previous_upload_id, '') = ?3 "
                "AND u.state <> 'conflict' AND u.state IN ('recorded', 'blocked')")));
        const std::string id = last.to_string();
        select.bind(1, upload.facts.table.company_id).bind(2, upload.facts.table.table_name).bind(3, id);
        DD_TRY(next, first_of(select, kUpload));
        if (!next) return success();
      }
      next->error = follows_conflict(last);
      next->state = UploadState::conflict;
      last = next->facts.upload_id;
      if (const auto known = touched_.find(last); known != touched_.end()) {
        known->second.state = UploadState::conflict;
      }
      DD_TRY(auto update,
             database_.prepare(
                 "UPDATE uploads SET state = 'conflict', off_chain = 1, error = ? WHERE upload_id = ?"));
      const std::string id = last.to_string();
      DD_TRY(update.bind(1, next->error).bind(2, id).run());
      report_.conflicts.push_back(std::move(*next));
    }
  }

  Result<void> refuse(const LoggedEvent& logged, Touched& upload, std::string_view why) {
    const DeadLetter letter = refusal_of(batch_, logged, why);
    refusal_ = letter.reason;
    DD_TRY(insert_dead_letter(letter, upload.id));
    if (upload.state == UploadState::applied || upload.state == UploadState::conflict) return success();
    report_.conflicts.push_back({upload.facts, UploadState::conflict, 0, {}, {}, {}, letter.reason, {}});
    return set_state(upload, UploadState::conflict, letter.reason);
  }

  Result<void> keep_dead_letter(const DeadLetter& letter) {
    if (!letter.upload) return insert_dead_letter(letter, std::nullopt);
    DD_TRY(auto* upload, touch(*letter.upload));
    DD_TRY(insert_dead_letter(letter, upload->id));
    if (upload->state != UploadState::recorded) return success();
    return set_state(*upload, UploadState::blocked, blocked_by(letter));
  }

  Result<void> insert_dead_letter(const DeadLetter& letter, const std::optional<std::string>& upload_id) {
    DD_TRY(auto insert,
           database_.prepare(
               "INSERT INTO dead_letters (topic_id, partition, log_offset, topic, payload, reason, "
               "upload_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    insert.bind(1, letter.identity.topic_id).bind(2, std::int64_t{letter.partition.partition.value});
    insert.bind(3, letter.offset.value).bind(4, letter.partition.topic).bind_blob(5, letter.payload);
    insert.bind(6, letter.reason).bind(7, upload_id).bind(8, recorded_at_);
    return insert.run();
  }

  Result<void> set_state(Touched& upload, UploadState state, const std::string& error) {
    DD_TRY(auto update, database_.prepare("UPDATE uploads SET state = ?, error = ? WHERE upload_id = ?"));
    update.bind(1, to_string(state)).bind(2, error).bind(3, upload.id);
    DD_TRY(update.run());
    upload.state = state;
    return success();
  }

  Result<void> count_parts() {
    DD_TRY(auto count, database_.prepare("INSERT INTO upload_parts (upload_id, topic, partition, seen) "
                                         "VALUES (?, ?, ?, ?) ON CONFLICT (upload_id, topic, partition) "
                                         "DO UPDATE SET seen = seen + excluded.seen"));
    for (const auto& [id, upload] : touched_) {
      for (const auto& [partition, inserted] : upload.inserted) {
        count.bind(1, upload.id).bind(2, partition.topic).bind(3, std::int64_t{partition.partition.value});
        DD_TRY(count.bind(4, inserted).run());
      }
    }
    return success();
  }

  /// Unblocks uploads whose events are now all recorded, after they were published again.
  Result<void> unblock_repaired() {
    for (auto& [id, upload] : touched_) {
      if (upload.state != UploadState::blocked) continue;
      DD_TRY(const auto stored, find_upload(database_, id));
      if (stored->recorded < stored->facts.total) continue;
      DD_TRY(set_state(upload, UploadState::recorded, ""));
      DD_TRY(auto resolve, database_.prepare("UPDATE dead_letters SET resolved_at = ? "
                                             "WHERE upload_id = ? AND resolved_at IS NULL"));
      DD_TRY(resolve.bind(1, recorded_at_).bind(2, upload.id).run());
    }
    return success();
  }

  Result<void> resolve_retried() {
    if (!batch_.retried) return success();
    DD_TRY(auto resolve,
           database_.prepare("UPDATE dead_letters SET resolved_at = ? WHERE topic_id = ? AND partition = ? "
                             "AND log_offset = ? AND resolved_at IS NULL"));
    resolve.bind(1, recorded_at_).bind(2, batch_.retried->topic_id);
    resolve.bind(3, std::int64_t{batch_.retried->partition.value}).bind(4, batch_.retried->offset.value);
    return resolve.run();
  }

  db::Database& database_;
  const RecordBatch& batch_;
  std::string recorded_at_;
  std::string changed_columns_;
  std::unordered_map<UploadId, Touched> touched_;
  std::string refusal_;  ///< why the last event that contradicts its upload was refused
  RecordReport report_;
};

}  // namespace

Result<RecordReport> record(db::Database& database, const RecordBatch& batch) {
  DD_TRY(auto transaction, db::Transaction::begin(database));
  auto report = Recording(database, batch).run();
  if (!report && report.error().type == "constraint") {
    // Clients see this text, which is stored with the event: remove the database's path.
    std::string reason = report.error().message;
    if (const auto path = database.path().string() + ": "; reason.starts_with(path))
      reason.erase(0, path.size());
    return Error{ErrorCode::invalid_input, "refused-event", std::move(reason), ""};
  }
  DD_TRY(const auto recorded, std::move(report));
  DD_TRY(transaction.commit());
  return recorded;
}

}  // namespace deltadrop::history::sqlite
