#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "history/history_store.hpp"

/// What every adapter decides alike, and says in the same words.
///
/// An event is recorded once. One that comes again with the same upload_id and seq is dropped when it is the
/// same. When it is another one, or says other things of its upload than the events before it, then two
/// histories share an id: what was recorded first stands, the newcomer becomes a dead letter, and its upload,
/// unless it is applied already, goes into state `conflict`, because nobody can tell which of the two is
/// true.
namespace deltadrop::history {

// ---- record

bool same_upload(const UploadFacts& a, const UploadFacts& b);

inline constexpr std::string_view kOtherUpload = "says other things of its upload than what is recorded";
inline constexpr std::string_view kOtherEvent = "differs from the recorded event of the same upload and seq";

/// The dead letter of a logged event that is refused for one of the reasons above.
DeadLetter refusal_of(const RecordBatch& batch, const LoggedEvent& logged, std::string_view why);
/// Why an upload is blocked, one of whose events the database refused.
std::string blocked_by(const DeadLetter& letter);
/// Why a dead letter that is taken again stays one.
Error still_refused(const DeadLetterId& id, std::string_view why);
Error offset_moved(const OffsetAdvance& advance);
/// Says that the history has forked: `rival` already stands where the upload wants to be.
std::string forked(const UploadFacts& facts, Version rival_version, std::string_view rival_id);

// ---- apply

/// Why an upload cannot be applied though its predecessor is; "" when it can.
std::string obstacle(const UploadStatus& upload);
/// What waits when nothing follows the last applied upload; `next`: the first that is not applied.
NothingToApply waiting(std::optional<UploadStatus> next);
/// Why the upload's values cannot follow those of `previous`; "" when they can.
std::string out_of_order(const UploadStatus& upload, const UploadStatus& previous);

/// An event that does not fit the rows.
struct Misfit {
  std::string event_type;
  std::string key_value;
  Seq seq;
};
std::string does_not_close(const std::optional<Misfit>& misfit, bool has_open_row);
std::string does_not_open(const std::optional<Misfit>& misfit);
std::string conflict_text(const UploadFacts& facts, std::string_view why);
Error wrong_count(const UploadFacts& facts, std::int64_t opened, std::int64_t expected);
Error no_such_upload(const UploadId& upload);
/// May the upload be marked as in the lake?
Result<void> check_applied(const UploadId& id, const std::optional<UploadStatus>& stored);

// ---- where an upload's events of one type are
//
// Events are in the order of their file, so those of a rare type are far from each other. Spans say where
// they are; nothing needs to be read between them. docs/decisions/0032-costs-that-grow.md.

/// The events of one type that have a seq from `first` to `last`, both included.
struct EventSpan {
  ChangeType type = ChangeType::insert;
  Seq first;
  Seq last;
  std::int64_t events = 0;
  bool operator==(const EventSpan&) const = default;
};

/// A span with other events in it is no wider than this.
inline constexpr std::int64_t kSpanSeqs = 1'024;

/// The spans of an upload that is being applied.
class EventSpans {
 public:
  /// More of its events; those of one type come in the order of their seq.
  void add(const EventSpan& more);
  [[nodiscard]] std::int64_t events(ChangeType type) const;
  /// By type and seq.
  [[nodiscard]] std::vector<EventSpan> all() const;

 private:
  std::map<ChangeType, std::vector<EventSpan>> spans_;
};

// ---- reading

bool matches(const EventQuery& query, const UploadStatus& upload);
/// After which of the upload's events the query starts.
Seq seq_after(const EventQuery& query, const UploadStatus& upload);

/// No upload has an event behind it.
inline constexpr Seq kAnySeq{INT64_MAX};

/// The next applied uploads that match the query, from `from` on, by applied_no; at most kUploadsPage.
inline constexpr std::int64_t kUploadsPage = 200;
using UploadsPage = std::function<Result<std::vector<UploadStatus>>(AppliedNo from)>;
/// Whether `events` are as many as one answer to the query has.
bool is_full(const EventQuery& query, const std::vector<AppliedEvent>& events);
/// Appends the upload's events behind `after` that match, in seq order, until the answer is full.
using AppendEvents =
    std::function<Result<void>(const UploadStatus& upload, Seq after, std::vector<AppliedEvent>& events)>;

/// Answers a query without key: upload by upload in the order in which they were applied, each one walk
/// along the primary key of cdc_events.
Result<std::vector<AppliedEvent>> events_by_upload(const EventQuery& query, const UploadsPage& page_from,
                                                   const AppendEvents& append);

/// A span of an applied upload.
struct StoredSpan {
  UploadStatus upload;
  Seq first;
  Seq last;
};
/// The next spans that match a query with a type, by applied_no and last seq, of those that end behind
/// `after`; at most kUploadsPage.
using SpansPage = std::function<Result<std::vector<StoredSpan>>(const EventCursor& after)>;
/// Appends the span's events behind `after` that match, in seq order, until the answer is full.
using AppendSpan =
    std::function<Result<void>(const StoredSpan& span, Seq after, std::vector<AppliedEvent>& events)>;

/// Answers a query with a type and without key: span by span, so that events of other types and uploads
/// without such an event cost nothing.
Result<std::vector<AppliedEvent>> events_by_span(const EventQuery& query, const SpansPage& page_from,
                                                 const AppendSpan& append);

}  // namespace deltadrop::history
