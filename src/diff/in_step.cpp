#include "diff/in_step.hpp"

#include <optional>

#include "diff/whole_file.hpp"

namespace deltadrop::diff {
namespace {

/// Looking at one row ahead costs about as much as meeting four in step.
constexpr std::int64_t kInStepPerLookAhead = 4;

RowRef ref_of(const csv::Row& row) {
  return RowRef{row.offset, static_cast<std::uint32_t>(row.bytes.size()), row.line};
}

}  // namespace

Side::Side(const csv::File& file, csv::CheckScope scope)
    : file_(file),
      findings_(0),
      check_(file, scope, csv::TextCheck::by_row, findings_),
      key_reader_(file.header()),
      stored_key_reader_(file.header()),
      scanner_(file.text(), file.header().delimiter) {
  scanner_.next(row_);
}

bool Side::next() {
  if (!scanner_.next(row_)) return false;
  ++records_;
  if (!check_.accept(row_)) return false;
  key_ = key_reader_.read(row_.bytes);
  return check_.accept_key(row_, key_, key_reader_.last_was_empty());
}

void Side::skip(const csv::EqualStretch& stretch) {
  scanner_ = csv::RowScanner(file_.text(), file_.header().delimiter, scanner_.offset() + stretch.bytes,
                             Line(scanner_.line().value + static_cast<std::int64_t>(stretch.line_ends)));
  records_ += static_cast<std::int64_t>(stretch.records);
}

void Side::go_back(const csv::Row& row, std::int64_t records) {
  scanner_ = csv::RowScanner(file_.text(), file_.header().delimiter, row.offset, row.line);
  records_ = records;
}

void Side::loosen_rest() {
  const std::size_t expected = loose_.size() + estimated_rows(rest());
  if (expected > loose_.capacity()) loose_.reserve(expected);
  while (next()) loosen();
}

InStepWalk::InStepWalk(Side& before, Side& after, Comparison& comparison, char delimiter,
                       std::int64_t look_ahead_rows)
    : before_(before),
      after_(after),
      comparison_(comparison),
      find_equal_stretch_(csv::structural_scan().find_equal_stretch),
      delimiter_(delimiter),
      look_ahead_rows_(look_ahead_rows) {}

void InStepWalk::run(std::vector<Change>& changes) {
  while (true) {
    const auto stretch = find_equal_stretch_(before_.rest(), after_.rest(), delimiter_);
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
      changes.push_back({ChangeType::update, ref_of(old_row), ref_of(new_row)});
    }
  }
}

void InStepWalk::see(Side& side, std::vector<Seen>& seen, KeyTable& table) {
  const LooseRow loose = loose_row(side.row(), side.key());
  table.add(loose.tag, static_cast<KeyTable::Number>(seen.size()));
  seen.push_back({loose, side.row(), side.records() - 1});
}

std::optional<std::size_t> InStepWalk::find_among(Side& of, std::vector<Seen>& seen, const KeyTable& table,
                                                  Side& like) {
  const auto found = table.find(tag_of(like.key()), [&](KeyTable::Number number) {
    return of.key_of(seen[number].loose) == like.key();
  });
  return found ? std::optional<std::size_t>(*found) : std::nullopt;
}

void InStepWalk::take_up_to(Side& side, const std::vector<Seen>& seen, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) side.loose().push_back(seen[i].loose);
}

bool InStepWalk::resynchronise() {
  std::vector<Seen> old_seen;
  std::vector<Seen> new_seen;
  KeyTable old_table;
  KeyTable new_table;
  see(before_, old_seen, old_table);
  see(after_, new_seen, new_table);
  bool old_ends = false;
  bool new_ends = false;
  while (!old_ends || !new_ends) {
    rows_looked_ahead_ += 2;
    if (rows_looked_ahead_ > look_ahead_rows_ + rows_in_step_ / kInStepPerLookAhead) break;
    old_ends = old_ends || !before_.next();
    if (!old_ends) {
      if (const auto found = find_among(after_, new_seen, new_table, before_)) {
        before_.go_back(before_.row(), before_.records() - 1);
        after_.go_back(new_seen[*found].row, new_seen[*found].records);
        take_up_to(before_, old_seen, old_seen.size());
        take_up_to(after_, new_seen, *found);
        return true;
      }
      see(before_, old_seen, old_table);
    }
    new_ends = new_ends || !after_.next();
    if (!new_ends) {
      if (const auto found = find_among(before_, old_seen, old_table, after_)) {
        after_.go_back(after_.row(), after_.records() - 1);
        before_.go_back(old_seen[*found].row, old_seen[*found].records);
        take_up_to(after_, new_seen, new_seen.size());
        take_up_to(before_, old_seen, *found);
        return true;
      }
      see(after_, new_seen, new_table);
    }
  }
  take_up_to(before_, old_seen, old_seen.size());
  take_up_to(after_, new_seen, new_seen.size());
  return false;
}

}  // namespace deltadrop::diff
