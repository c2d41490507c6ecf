#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "history/history_store.hpp"

/// The decisions and messages that all adapters share.
///
/// An event is recorded once. If the same event arrives again (equal upload_id and seq), it is dropped. A
/// different event with these ids, or one whose upload facts differ from those recorded, means that two
/// histories share an id, and nobody can tell which is true. The recorded event stays and the new one becomes
/// a dead letter. Its upload becomes `conflict` unless it is already applied.
namespace deltadrop::history {

// ---- record

bool same_upload(const UploadFacts& a, const UploadFacts& b);

inline constexpr std::string_view kOtherUpload = "says other things of its upload than what is recorded";
inline constexpr std::string_view kOtherEvent = "differs from the recorded event of the same upload and seq";

/// Returns the dead letter of a logged event that is refused for one of the reasons above.
DeadLetter refusal_of(const RecordBatch& batch, const LoggedEvent& logged, std::string_view why);
/// Returns why an upload is blocked after the database refused one of its events.
std::string blocked_by(const DeadLetter& letter);
/// Returns why a dead letter remains one after a retry.
Error still_refused(const DeadLetterId& id, std::string_view why);
Error offset_moved(const OffsetAdvance& advance);
/// Reports a fork: `rival` already has the upload's position in the chain.
std::string forked(const UploadFacts& facts, Version rival_version, std::string_view rival_id);

// ---- apply

/// Returns why an upload cannot be applied although its predecessor is applied, or "" if it can.
std::string obstacle(const UploadStatus& upload);
/// Returns the outcome if no upload follows the last applied one. `next` is the first upload that is not
/// applied.
NothingToApply waiting(std::optional<UploadStatus> next);
/// Returns why the upload's values cannot follow those of `previous`, or "" if they can.
std::string out_of_order(const UploadStatus& upload, const UploadStatus& previous);

/// An event that does not match the table's rows.
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
/// Checks that the upload may be marked as in the lake.
Result<void> check_applied(const UploadId& id, const std::optional<UploadStatus>& stored);

// ---- positions of an upload's events by type
//
// Events have the order of their file, so events of a rare type are far apart. Spans store their positions,
// so a query skips the events between them. docs/decisions/0032-costs-that-grow.md.

/// The events of one type with a seq from `first` to `last` inclusive.
struct EventSpan {
  ChangeType type = ChangeType::insert;
  Seq first;
  Seq last;
  std::int64_t events = 0;
  bool operator==(const EventSpan&) const = default;
};

/// The maximum width of a span that also contains other events.
inline constexpr std::int64_t kSpanSeqs = 1'024;

/// Collects the spans of an upload while it is applied.
class EventSpans {
 public:
  /// Adds events. Events of one type arrive in seq order.
  void add(const EventSpan& more);
  [[nodiscard]] std::int64_t events(ChangeType type) const;
  /// Returns the spans in the order of type and seq.
  [[nodiscard]] std::vector<EventSpan> all() const;

 private:
  std::map<ChangeType, std::vector<EventSpan>> spans_;
};

// ---- reading

bool matches(const EventQuery& query, const UploadStatus& upload);
/// Returns the seq of the upload after which the query starts.
Seq seq_after(const EventQuery& query, const UploadStatus& upload);

/// No upload has a later event.
inline constexpr Seq kAnySeq{INT64_MAX};

/// Returns the next applied uploads that match the query, starting at `from`, by applied_no; at most
/// kUploadsPage.
inline constexpr std::int64_t kUploadsPage = 200;
using UploadsPage = std::function<Result<std::vector<UploadStatus>>(AppliedNo from)>;
/// Returns true if `events` has reached a limit of the query.
bool is_full(const EventQuery& query, const std::vector<AppliedEvent>& events);
/// Appends the upload's matching events after `after`, in seq order, until the result is full.
using AppendEvents =
    std::function<Result<void>(const UploadStatus& upload, Seq after, std::vector<AppliedEvent>& events)>;

/// Runs a query without a key: reads upload by upload in applied order, each with one range scan of the
/// primary key of cdc_events.
Result<std::vector<AppliedEvent>> events_by_upload(const EventQuery& query, const UploadsPage& page_from,
                                                   const AppendEvents& append);

/// A span of an applied upload.
struct StoredSpan {
  UploadStatus upload;
  Seq first;
  Seq last;
};
/// Returns the next spans that match a query with a type and end after `after`, by applied_no and last seq;
/// at most kUploadsPage.
using SpansPage = std::function<Result<std::vector<StoredSpan>>(const EventCursor& after)>;
/// Appends the span's matching events after `after`, in seq order, until the result is full.
using AppendSpan =
    std::function<Result<void>(const StoredSpan& span, Seq after, std::vector<AppliedEvent>& events)>;

/// Runs a query with a type and without a key: reads span by span, so events of other types and uploads
/// without such an event cost nothing.
Result<std::vector<AppliedEvent>> events_by_span(const EventQuery& query, const SpansPage& page_from,
                                                 const AppendSpan& append);

}  // namespace deltadrop::history
