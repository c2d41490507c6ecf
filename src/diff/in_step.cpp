#include "diff/in_step.hpp"

#include "diff/key_order.hpp"
#include "diff/whole_file.hpp"

namespace deltadrop::diff {
namespace {

/// Reading one row ahead costs about as much as four rows in step.
constexpr std::int64_t kInStepPerLookAhead = 4;
/// The number of bytes that may be read ahead for each row that may be. One long row that is read again and
/// again costs as much as many short ones.
constexpr std::uint64_t kBytesPerLookAhead = 1024;
/// The maximum number of bytes between two rows that are read, and so between two checks whether to stop: a
/// few milliseconds.
constexpr std::size_t kStretchBytesMax = std::size_t{64} << 20;

}  // namespace

Side::Side(const csv::File& file, csv::CheckScope scope, const Stop& stop)
    : file_(file),
      findings_(0),
      rows_(file, scope, csv::TextCheck::by_row, findings_, stop),
      stored_key_reader_(file.header()) {}

void Side::skip(const csv::EqualStretch& stretch) {
  rows_.go_to(rows_.offset() + stretch.bytes,
              Line(rows_.line().value + static_cast<std::int64_t>(stretch.line_ends)),
              rows_.records() + static_cast<std::int64_t>(stretch.records));
}

bool Side::loosen_rest() {
  loose_.expect(estimated_rows(rest()));
  rows_.check().check_text_by_stretch();
  KeyOrder order(file_.text());
  bool increasing = true;
  while (next()) {
    loosen();
    increasing = increasing && order.take(key());
  }
  return increasing;
}

InStepWalk::InStepWalk(Side& before, Side& after, std::int64_t look_ahead_rows, bool only_rows)
    : before_(before),
      after_(after),
      comparison_(before.file(), after.file()),
      find_equal_stretch_(csv::structural_scan().find_equal_stretch),
      delimiter_(after.file().header().delimiter),
      look_ahead_rows_(look_ahead_rows) {
  if (const auto* filter = after.file().row_filter(); filter != nullptr && !only_rows)
    not_rows_ = filter->not_rows();
}

void InStepWalk::run(std::vector<Change>& changes) {
  while (true) {
    const auto stretch =
        find_equal_stretch_(before_.rest().substr(0, kStretchBytesMax),
                            after_.rest().substr(0, kStretchBytesMax), delimiter_, not_rows_);
    if (stretch.bytes > 0) {
      before_.skip(stretch);
      after_.skip(stretch);
      rows_in_step_ += static_cast<std::int64_t>(stretch.records);
    }
    const bool has_before = before_.next();
    const bool has_after = after_.next();
    if (before_.is_wrong() || after_.is_wrong()) return;
    if (!has_before || !has_after) {
      if (has_before) before_.loosen();
      if (has_after) after_.loosen();
      return;
    }
    if (before_.key() != after_.key()) {
      if (!resynchronise()) return;
      continue;
    }
    ++rows_in_step_;
    const csv::Row& old_row = before_.row();
    const csv::Row& new_row = after_.row();
    if (old_row.bytes != new_row.bytes && comparison_.differ(old_row.bytes, new_row.bytes)) {
      changes.push_back({RowRef(old_row), RowRef(new_row)});
    }
  }
}

void InStepWalk::see(Ahead& ahead) {
  Side& side = ahead.side;
  const LooseRow loose = loose_row(side.row(), side.key());
  const auto earlier = ahead.table.find_or_add(
      loose.tag, static_cast<KeyTable::Number>(ahead.seen.size()),
      [&](KeyTable::Number number) { return side.key_of(ahead.seen[number].loose) == side.key(); });
  ahead.repeats_a_key = ahead.repeats_a_key || earlier;
  ahead.seen.push_back({loose, side.row(), side.records() - 1});
  ++rows_looked_ahead_;
  bytes_looked_ahead_ += side.row().bytes.size();
}

bool InStepWalk::is_far_ahead() const {
  const auto bytes = static_cast<std::uint64_t>(look_ahead_rows_) * kBytesPerLookAhead;
  return rows_looked_ahead_ > look_ahead_rows_ + rows_in_step_ / kInStepPerLookAhead ||
         bytes_looked_ahead_ > bytes + before_.offset() / kInStepPerLookAhead;
}

void InStepWalk::loosen(Ahead& ahead, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) ahead.side.loose().add(ahead.seen[i].loose);
}

bool InStepWalk::meets(Ahead& ahead, Ahead& other) {
  ahead.ended = ahead.ended || !ahead.side.next();
  if (ahead.ended) return false;
  const auto key = ahead.side.key();
  const auto found = other.table.find(tag_of(key), [&](KeyTable::Number number) {
    return other.side.key_of(other.seen[number].loose) == key;
  });
  if (!found) {
    see(ahead);
    return false;
  }
  loosen(ahead, ahead.seen.size());
  loosen(other, *found);
  ahead.side.go_back(ahead.side.row(), ahead.side.records() - 1);
  other.side.go_back(other.seen[*found].row, other.seen[*found].records);
  return true;
}

bool InStepWalk::resynchronise() {
  Ahead before{before_, {}, KeyTable()};
  Ahead after{after_, {}, KeyTable()};
  see(before);
  see(after);
  while ((!before.ended || !after.ended) && !is_far_ahead()) {
    if (meets(before, after) || meets(after, before)) return true;
    // A repeated key means that the file is rejected or corrupt. The join finds it again.
    if (before.repeats_a_key || after.repeats_a_key) break;
  }
  loosen(before, before.seen.size());
  loosen(after, after.seen.size());
  return false;
}

}  // namespace deltadrop::diff
